// Taking a lock through a handle: what each call returns.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <future>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "libclient/src/lock_handle.hpp"
#include "tests/integration/client_locks/client_host.hpp"
#include "tests/support/no_descriptors.hpp"

namespace jeton::test {
namespace {

TEST_F(Locks, Held_TryIsBusyAndLeavesTheHolderItsLock) {
  Lock first = lock();
  Lock second = lock();
  ASSERT_TRUE(first.try_lock());
  EXPECT_FALSE(second.try_lock());
  EXPECT_EQ(second.check(), JETON_LOCK_BUSY);
  EXPECT_NE(second.reason().find(" pid " + std::to_string(::getpid())), std::string::npos) << second.reason();
  EXPECT_FALSE(first.lost());
  EXPECT_TRUE(second.lost());
  EXPECT_TRUE(first.unlock().ok());
}

TEST_F(Locks, HundredThreadsTry_OneWins) {
  std::atomic<int> won{0};
  std::atomic<int> busy{0};
  std::vector<Lock> locks;
  for (int i = 0; i < 100; ++i) locks.push_back(lock());
  std::vector<std::thread> threads;
  for (Lock& one : locks) {
    threads.emplace_back([&] {
      const Status status = one.acquire(milliseconds(0));
      won += status.ok() ? 1 : 0;
      busy += status == JETON_LOCK_BUSY ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(busy, 99);
}

TEST_F(Locks, Released_WaiterThatWasStartedHasIt) {
  Lock holder = lock("job", seconds(60));
  ASSERT_TRUE(holder.try_lock());
  Lock waiter = lock();
  ASSERT_TRUE(waiter.start(seconds(60)).ok());
  EXPECT_EQ(waiter.check(), JETON_LOCK_WAITING);
  EXPECT_TRUE(holder.unlock().ok());
  EXPECT_TRUE(eventually([&] { return waiter.check().ok(); }));  // long before the holder's TTL
  EXPECT_GT(waiter.fence(), holder.fence());
}

TEST_F(Locks, WaitRunsOut_IsFalseAndTheHolderKeepsIt) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  Lock waiter = lock();
  EXPECT_FALSE(waiter.lock_for(milliseconds(30)));
  EXPECT_FALSE(holder.lost());
}

TEST_F(Locks, RetryBeyondTheWait_IsBusyAtOnce) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  LockOptions options = host.options();
  options.retry = std::chrono::hours(2);
  Lock waiter("job", options);
  EXPECT_FALSE(waiter.lock_for(std::chrono::hours(1)));  // the test would not end otherwise
}

TEST_F(Locks, WaitIsCancelledFromAnotherThread_IsCancelled) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  Lock waiter = lock();
  Cancel cancel;
  std::thread other([&] {
    static_cast<void>(eventually([&] { return waiter.check() == JETON_LOCK_WAITING; }));
    cancel.now();
  });
  EXPECT_EQ(waiter.acquire(std::nullopt, &cancel), JETON_CANCELLED);
  other.join();
  EXPECT_EQ(waiter.acquire(std::nullopt, &cancel), JETON_CANCELLED);
  EXPECT_TRUE(holder.unlock().ok());
  EXPECT_TRUE(lock().lock_for(patience));  // nobody waits in front
}

TEST_F(Locks, SeveralNames_AllOrNoneAreTaken) {
  LockOptions both = host.options();
  both.also = {"b", "c"};
  Lock all("a", both);
  Lock b = lock("b");
  ASSERT_TRUE(b.try_lock());
  EXPECT_FALSE(all.try_lock());
  EXPECT_NE(all.reason().find("'b'"), std::string::npos) << all.reason();
  EXPECT_TRUE(lock("a").lock_for(patience));
  EXPECT_TRUE(b.unlock().ok());
  ASSERT_TRUE(all.lock_for(patience));
  EXPECT_GT(all.fence("b"), b.fence());
  EXPECT_NE(all.owner("c"), "");
  EXPECT_EQ(all.fence(), all.fence("a"));
  EXPECT_FALSE(lock("c").try_lock());
  EXPECT_TRUE(all.extend(seconds(30)).ok());
  EXPECT_FALSE(all.lost());
  EXPECT_TRUE(all.unlock().ok());
  EXPECT_TRUE(lock("c").try_lock());
}

TEST_F(Locks, GuardsOfTheStandard_HoldAndGiveBack) {
  Lock one = lock();
  {
    const std::lock_guard<Lock> held(one);
    EXPECT_FALSE(one.lost());
  }
  EXPECT_TRUE(one.lost());
  const std::unique_lock<Lock> held(one, seconds(30));
  EXPECT_TRUE(held.owns_lock());
  Lock other = lock();
  const std::unique_lock<Lock> not_held(other, std::try_to_lock);
  EXPECT_FALSE(not_held.owns_lock());
}

TEST_F(Locks, LimitIsLongerThanMillisecondsCount_IsWaitedFor) {
  Lock one = lock();
  const auto is_waiting = [&] {
    const client::LockGuard guard(*one.handle());
    return one.handle()->state == client::LockState::waiting;
  };
  const auto longest = std::chrono::hours::max();
  const std::chrono::duration<double> infinite{std::numeric_limits<double>::infinity()};
  for (const auto& take : std::vector<std::function<bool()>>{[&] { return one.try_lock_for(longest); },
                                                             [&] { return one.lock_for(infinite); }}) {
    Lock holder = lock();
    ASSERT_TRUE(holder.try_lock());
    EXPECT_FALSE(one.try_lock_for(std::chrono::hours::min()));
    std::future<bool> won = std::async(std::launch::async, take);
    const auto has_ended = [&] { return won.wait_for(seconds(0)) == std::future_status::ready; };
    EXPECT_TRUE(eventually([&] { return is_waiting() || has_ended(); }));
    EXPECT_FALSE(has_ended());
    EXPECT_TRUE(holder.unlock().ok());
    EXPECT_TRUE(won.get());
    EXPECT_TRUE(one.unlock().ok());
  }
}

TEST_F(Locks, Run_HoldsItForAsLongAsTheFunction) {
  LockOptions options = host.options();
  const int answer = Lock::run("job", options, [&](Lock& held) {
    EXPECT_FALSE(held.lost());
    EXPECT_FALSE(lock().try_lock());
    return 42;
  });
  EXPECT_EQ(answer, 42);
  EXPECT_THROW(Lock::run("job", options, [](Lock&) { throw std::runtime_error("its own"); }), std::runtime_error);
  EXPECT_TRUE(lock().try_lock());
}

TEST_F(Locks, HandleThatHolds_RefusesASecondAcquire) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_INVALID_ARGUMENT);
  EXPECT_FALSE(one.lost());
  Lock moved = std::move(one);
  EXPECT_FALSE(moved.lost());
  EXPECT_THROW(Lock("no such name", host.options()), Error);
  EXPECT_THROW(Lock("../job", host.options()), Error);
}

TEST_F(Locks, TimeToLiveAboveTheRule_IsRefusedWithItsReason) {
  Lock too_long = lock("job", std::chrono::hours(3));
  EXPECT_EQ(too_long.acquire(milliseconds(0)), JETON_AGENT_REFUSED);
  EXPECT_NE(too_long.reason().find("max_ttl"), std::string::npos) << too_long.reason();
  try {
    too_long.lock();
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("max_ttl"), std::string::npos) << e.what();
  }
}

// The agent is well.
TEST_F(Locks, NoDescriptorIsLeft_IsAnErrorOfTheSystemAndNotOfTheAgent) {
  Lock held = lock("held");
  ASSERT_TRUE(held.try_lock());
  Lock one = lock();
  {
    const NoDescriptors limit;
    errno = 0;
    EXPECT_EQ(one.acquire(milliseconds(0)), JETON_SYSTEM_ERROR) << one.reason();
    EXPECT_EQ(errno, EMFILE);
    EXPECT_EQ(held.extend(seconds(60)), JETON_SYSTEM_ERROR) << held.reason();
  }
  EXPECT_FALSE(held.lost());
  EXPECT_TRUE(one.try_lock()) << one.reason();
}

}  // namespace
}  // namespace jeton::test
