#include <gtest/gtest.h>

#include <string>

#include "agent/base/timer_queue.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;

TEST(TimerQueue, GivesDueTimersInOrderOfDeadlineThenOfScheduling) {
  TimerQueue queue;
  std::string order;
  queue.add(BootTime{Duration{20}}, [&] { order += 'c'; });
  queue.add(BootTime{Duration{10}}, [&] { order += 'a'; });
  queue.add(BootTime{Duration{10}}, [&] { order += 'b'; });
  while (const auto callback = queue.take_due(BootTime{Duration{20}})) callback();
  EXPECT_EQ(order, "abc");
}

TEST(TimerQueue, KeepsWhatIsNotDue) {
  TimerQueue queue;
  queue.add(BootTime{Duration{20}}, [] {});
  EXPECT_EQ(queue.take_due(BootTime{Duration{19}}), nullptr);
  EXPECT_EQ(queue.earliest(), BootTime{Duration{20}});
}

TEST(TimerQueue, ARemovedTimerIsGone) {
  TimerQueue queue;
  const auto id = queue.add(BootTime{}, [] {});
  EXPECT_TRUE(queue.remove(id));
  EXPECT_FALSE(queue.remove(id));
  EXPECT_EQ(queue.take_due(BootTime::max()), nullptr);
}

TEST(BootTimers, FireNotBeforeTheirDeadline) {
  test::Loop loop;
  const BootTime when = loop.clock.boot_now() + milliseconds(20);
  BootTime fired{};
  loop.timers.schedule(when, [&] { fired = loop.clock.boot_now(); });
  ASSERT_TRUE(loop.turn_until([&] { return fired != BootTime{}; }));
  EXPECT_GE(fired, when);
}

TEST(BootTimers, AnEarlierTimerOvertakesALaterOne) {
  test::Loop loop;
  std::string order;
  const BootTime now = loop.clock.boot_now();
  loop.timers.schedule(now + milliseconds(30), [&] { order += 'b'; });
  loop.timers.schedule(now + milliseconds(5), [&] { order += 'a'; });
  ASSERT_TRUE(loop.turn_until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, "ab");
}

TEST(BootTimers, ACancelledTimerDoesNotFire) {
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

}  // namespace
}  // namespace jeton::agent
