#include "agent/base/timers.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/loop.hpp"
#include "tests/support/no_system_calls.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;

TEST(TimerQueue, SeveralTimersAreDue_ComeByDeadlineAndThenByScheduling) {
  TimerQueue queue;
  std::string order;
  queue.add(BootTime{Duration{20}}, [&] { order += 'c'; });
  queue.add(BootTime{Duration{10}}, [&] { order += 'a'; });
  queue.add(BootTime{Duration{10}}, [&] { order += 'b'; });
  while (const auto callback = queue.take_due(BootTime{Duration{20}})) callback();
  EXPECT_EQ(order, "abc");
}

TEST(TimerQueue, TimerIsNotDue_IsKept) {
  TimerQueue queue;
  queue.add(BootTime{Duration{20}}, [] {});
  EXPECT_EQ(queue.take_due(BootTime{Duration{19}}), nullptr);
  EXPECT_EQ(queue.earliest(), BootTime{Duration{20}});
}

TEST(TimerQueue, TimersAreTakenAndRemoved_OnlyTheOthersCount) {
  TimerQueue queue;
  const auto removed = queue.add(BootTime{Duration{10}}, [] {});
  queue.add(BootTime{Duration{20}}, [] {});
  queue.add(BootTime{Duration{30}}, [] {});
  EXPECT_EQ(queue.size(), 3U);
  queue.remove(removed);
  static_cast<void>(queue.take_due(BootTime{Duration{20}}));
  EXPECT_EQ(queue.size(), 1U);
}

TEST(TimerQueue, TimerIsRemoved_IsNotTakenAndNotRemovedTwice) {
  TimerQueue queue;
  const auto id = queue.add(BootTime{}, [] {});
  EXPECT_TRUE(queue.remove(id));
  EXPECT_FALSE(queue.remove(id));
  EXPECT_EQ(queue.take_due(BootTime::max()), nullptr);
}

TEST(TimerQueue, SlotIsReused_OldIdDoesNotRemoveTheNewTimer) {
  TimerQueue queue;
  const auto gone = queue.add(BootTime{}, [] {});
  EXPECT_TRUE(queue.remove(gone));
  queue.add(BootTime{}, [] {});
  EXPECT_FALSE(queue.remove(gone));
  EXPECT_NE(queue.take_due(BootTime{}), nullptr);
}

TEST(TimerQueue, ManyAreAddedAndRemoved_OthersStayInOrder) {
  TimerQueue queue;
  std::mt19937_64 random(1);
  std::map<std::pair<BootTime, int>, Timers::Id> pending;
  std::vector<int> order;
  for (int i = 0; i < 2'000; ++i) {
    const BootTime when{Duration{static_cast<Duration::rep>(random() % 300)}};
    pending[{when, i}] = queue.add(when, [&order, i] { order.push_back(i); });
    if (random() % 3 == 0) {
      const auto victim = std::next(pending.begin(), static_cast<std::ptrdiff_t>(random() % pending.size()));
      EXPECT_TRUE(queue.remove(victim->second));
      pending.erase(victim);
    }
  }
  while (const auto callback = queue.take_due(BootTime::max())) callback();
  std::vector<int> expected;
  for (const auto& [key, id] : pending) expected.push_back(key.second);
  EXPECT_EQ(order, expected);
}

TEST(BootTimers, TimerIsScheduled_FiresNotBeforeItsDeadline) {
  test::Loop loop;
  const BootTime when = loop.clock.boot_now() + milliseconds(20);
  BootTime fired{};
  loop.timers.schedule(when, [&] { fired = loop.clock.boot_now(); });
  ASSERT_TRUE(loop.turn_until([&] { return fired != BootTime{}; }));
  EXPECT_GE(fired, when);
}

TEST(BootTimers, LaterTimerIsScheduledFirst_EarlierOneFiresFirst) {
  test::Loop loop;
  std::string order;
  const BootTime now = loop.clock.boot_now();
  loop.timers.schedule(now + milliseconds(30), [&] { order += 'b'; });
  loop.timers.schedule(now + milliseconds(5), [&] { order += 'a'; });
  ASSERT_TRUE(loop.turn_until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ab");
}

TEST(BootTimers, TimerIsCancelled_DoesNotFire) {
  test::Loop loop;
  bool fired = false;
  bool later = false;
  const BootTime now = loop.clock.boot_now();
  const auto id = loop.timers.schedule(now + milliseconds(5), [&] { fired = true; });
  loop.timers.schedule(now + milliseconds(10), [&] { later = true; });
  EXPECT_TRUE(loop.timers.cancel(id));
  ASSERT_TRUE(loop.turn_until([&] { return later; }));
  EXPECT_FALSE(fired);
}

// The kernel still has the deadline that was cancelled: the wake-up at that one must arm the next.
TEST(BootTimers, EarliestIsCancelled_LaterOneFires) {
  test::Loop loop;
  bool fired = false;
  const BootTime now = loop.clock.boot_now();
  EXPECT_TRUE(loop.timers.cancel(loop.timers.schedule(now + milliseconds(5), [] {})));
  loop.timers.schedule(now + milliseconds(10), [&] { fired = true; });
  EXPECT_TRUE(loop.turn_until([&] { return fired; }));
}

TEST(BootTimers, AllAreCancelledAndTheirTimePasses_NewOneFires) {
  test::Loop loop;
  const BootTime now = loop.clock.boot_now();
  EXPECT_TRUE(loop.timers.cancel(loop.timers.schedule(now + milliseconds(5), [] {})));
  loop.pass(milliseconds(10));
  bool fired = false;
  loop.timers.schedule(loop.clock.boot_now() + milliseconds(5), [&] { fired = true; });
  EXPECT_TRUE(loop.turn_until([&] { return fired; }));
}

TEST(BootTimers, EarlierOneIsScheduledByOneThatFires_Fires) {
  test::Loop loop;
  std::string order;
  const BootTime now = loop.clock.boot_now();
  loop.timers.schedule(now + std::chrono::hours(1), [&] { order += 'c'; });
  loop.timers.schedule(now + milliseconds(5), [&] {
    order += 'a';
    loop.timers.schedule(now + milliseconds(6), [&] { order += 'b'; });
  });
  EXPECT_TRUE(loop.turn_until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ab");
}

// As the deadlines of answers are: nearly all are cancelled before they come.
TEST(BootTimers, LaterOnesAreScheduledAndCancelled_MakeNoSystemCall) {
  constexpr int no_seccomp = 100;
  const pid_t child = ::fork();
  if (child == 0) {
    test::Loop loop;
    const BootTime later = loop.clock.boot_now() + std::chrono::hours(2);
    loop.timers.schedule(later - std::chrono::hours(1), [] {});
    const auto one = [&] { return loop.timers.cancel(loop.timers.schedule(later, [] {})); };
    bool good = one();  // its memory comes from the system
    if (!test::forbid_system_calls()) ::syscall(SYS_exit_group, no_seccomp);
    for (int i = 0; i < 10; ++i) good = one() && good;
    ::syscall(SYS_exit_group, good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == no_seccomp) GTEST_SKIP() << "this kernel has no seccomp filters";
  ASSERT_TRUE(WIFEXITED(status)) << "killed by a system call";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace jeton::agent
