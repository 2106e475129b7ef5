// Waiting for a lock (lock scenarios 12, 13 and 14). The times are exact: nothing else moves the clock.
#include <gmock/gmock.h>

#include "agent/fleet/redis/redis_scripts.hpp"
#include "tests/support/effort.hpp"
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

TEST_P(AnyLock, HeldFor20Ms_IsHadByAWaiterThatLooksThreeTimes) {
  const auto holder = host.acquire();
  ASSERT_TRUE(holder);
  const Session waiter = host.open({.wait = 60ms, .retry = 20ms});
  loop.pass(20ms);
  EXPECT_EQ(waiter->state(), State::waiting);
  EXPECT_TRUE(host.release(holder->owner));
  EXPECT_EQ(host.decided(waiter)->state(), State::held) << waiter->reason();
  EXPECT_GT(lease_of(waiter).fence, holder->fence);
}

TEST_P(AnyLock, HeldFor50Ms_IsBusyForAWaiterThatLooksTwice) {
  const auto holder = host.acquire();
  ASSERT_TRUE(holder);
  const Session waiter = host.open({.wait = 10ms, .retry = 5ms});
  loop.pass(50ms);
  EXPECT_EQ(waiter->state(), State::busy);
  EXPECT_EQ(waiter->busy().holder, holder->owner);
  EXPECT_TRUE(host.release(holder->owner));
}

TEST_P(AnyLock, Released_WakesTheWaiterLongBeforeTheTimeToLive) {
  const Session holder = host.take({.ttl = 1h});
  const Session waiter = host.open({.wait = 1h});
  loop.pass(1s);
  ASSERT_EQ(waiter->state(), State::waiting);
  EXPECT_EQ(host.end(holder), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::held; }, 50ms)) << "a message, not a look";
}

TEST_P(FleetLock, ReleasedOnOneHost_WakesTheWaiterOfAnother) {
  LockHost& other = fleet.add_host();
  const Session here = host.take({.ttl = 1h});
  const Session there = other.open({.wait = 1h});
  loop.pass(1s);
  ASSERT_EQ(there->state(), State::waiting);
  EXPECT_EQ(host.end(here), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return there->state() == State::held; }, 100ms));
}

// By a client that announces nothing, or while nobody may listen. The first waiter of a host looks by itself.
TEST_P(FleetLock, ReleasedWithoutAMessage_IsHadWithinThreeSeconds) {
  ASSERT_TRUE(host.acquire({.ttl = 1h}));
  const Session waiter = host.open({.wait = 1h});
  loop.pass(10s);
  ASSERT_EQ(waiter->state(), State::waiting);
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::held; }, 3s + 100ms));
}

// The message overtakes the answer that the lock is held.
TEST_P(FleetLock, ReleasedWhileAWaiterLooks_IsHadAtOnce) {
  LockHost& other = fleet.add_host();
  const Session holder = host.take({.ttl = 1h});
  const Session waiter = other.open({.wait = 1h, .retry = 200ms});
  loop.pass(100ms);
  ASSERT_EQ(waiter->state(), State::waiting);
  fleet.set_fault(LockFleet::Fault::held, 0);
  holder->cancel();
  fleet.network.set_latency(10ms, 10ms);
  const std::uint64_t asked = fleet[0].commands("EVALSHA");
  ASSERT_TRUE(loop.turn_until([&] { return fleet[0].commands("EVALSHA") > asked; }));
  fleet.network.set_latency(1ms, 1ms);
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::held; }, 50ms)) << "not at the next look";
}

// The server takes the lock and refuses the note about its holder (an ACL without HSET), so each attempt gives the lock
// back. Other hosts must hear that; the host that failed must not try again for it.
TEST_P(FleetLock, EachAttemptFailsAfterTheLockWasTaken_IsTriedAgainBehindPauses) {
  const char* refusal = "ERR The user executing the script can't run this command or subcommand";
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet[i].refuse("HSET", refusal);
  const Session waiter = host.open({.ttl = 1s, .wait = 1h});
  loop.pass(10s);
  EXPECT_EQ(waiter->state(), State::trying);
  EXPECT_LE(fleet[0].scripts(agent::redis_scripts::lock_acquire().sha1()), 10U * 4) << "every quarter of a second";
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet[i].refuse("HSET", "");
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::held; }, 2s)) << waiter->reason();
}

TEST_P(AnyLock, WaitOf20Ms_IsBusyOnTimeAndTheHolderKeepsItsLock) {
  const auto holder = host.acquire({.ttl = 1h});
  ASSERT_TRUE(holder);
  const agent::BootTime asked_at = loop.clock.boot_now();
  const Session waiter = host.take({.wait = 20ms});
  EXPECT_EQ(waiter->state(), State::busy);
  EXPECT_GE(loop.clock.boot_now() - asked_at, 20ms);
  EXPECT_LT(loop.clock.boot_now() - asked_at, 40ms);
  EXPECT_EQ(host.show().owner, holder->owner);
}

TEST_P(AnyLock, RetryBeyondTheWait_IsBusyAtOnce) {
  ASSERT_TRUE(host.acquire({.ttl = 1h}));
  const agent::BootTime asked_at = loop.clock.boot_now();
  EXPECT_EQ(host.take({.wait = 1h, .retry = 2h})->state(), State::busy);
  EXPECT_LT(loop.clock.boot_now() - asked_at, 20ms);
}

TEST_P(AnyLock, HolderReleasesAfterThreeTimesToLive_WaiterHasAWholeOne) {
  const Session holder = host.take({.ttl = 1s});
  const agent::BootTime begun_at = loop.clock.boot_now();
  const Session waiter = host.open({.ttl = 1s, .wait = 10s});
  EXPECT_FALSE(loop.turn_until([&] { return waiter->state() == State::held; }, 3s));
  EXPECT_EQ(holder->state(), State::held) << holder->reason();
  EXPECT_EQ(host.end(holder), State::ended);
  EXPECT_EQ(host.decided(waiter)->state(), State::held) << waiter->reason();
  EXPECT_LT(loop.clock.boot_now() - begun_at, 3500ms);
  const Duration validity = lease_of(waiter).valid_until - loop.clock.boot_now();
  EXPECT_GT(validity, 900ms);
  EXPECT_LE(validity, 1s);
}

TEST_P(AnyLock, HolderIsNotRenewed_WaiterHasItWhenItsTimeToLiveEnds) {
  const auto holder = host.acquire({.ttl = 2s});
  ASSERT_TRUE(holder);
  const agent::BootTime begun_at = loop.clock.boot_now();
  const Session waiter = host.take({.ttl = 1h, .wait = 30s});
  ASSERT_EQ(waiter->state(), State::held) << waiter->reason();
  EXPECT_GT(loop.clock.boot_now() - begun_at, 1900ms);
  EXPECT_LT(loop.clock.boot_now() - begun_at, 2200ms);
  EXPECT_GT(host.show().ttl.value(), 59min) << "however long it was waited for";
}

// Servers end a key at a whole millisecond, each at its own; a look may come just before it.
TEST_P(AnyLock, LeaseEndsAtAnyFractionOfAMillisecond_WaiterHasItAtOnce) {
  for (int i = 0; i < effort(60, 15); ++i) {
    SCOPED_TRACE(i);
    ASSERT_TRUE(host.acquire({.ttl = 100ms}));
    const agent::BootTime begun_at = loop.clock.boot_now();
    const Session waiter = host.take({.wait = 30s});
    ASSERT_EQ(waiter->state(), State::held) << waiter->reason();
    EXPECT_LT(loop.clock.boot_now() - begun_at, 120ms);
    EXPECT_EQ(host.end(waiter), State::ended);
    loop.pass(50ms + i * 137us);
  }
}

TEST_P(AnyLock, SixWait_AreServedInTheOrderOfTheirArrival) {
  Session before = host.take({.ttl = 1h});
  std::vector<Session> waiters;
  for (int i = 0; i < 6; ++i) waiters.push_back(host.open({.wait = 1h}));
  loop.pass(1s);
  for (const Session& next : waiters) {
    const std::uint64_t fence = lease_of(before).fence;
    EXPECT_EQ(host.end(before), State::ended);
    ASSERT_EQ(host.decided(next)->state(), State::held) << next->reason();
    EXPECT_GT(lease_of(next).fence, fence);
    before = next;
  }
}

TEST_P(AnyLock, WaiterHasGone_DelaysNoOther) {
  const Session holder = host.take({.ttl = 1h});
  const Session gone = host.open({.ttl = 1h, .wait = 1h});
  const Session behind = host.open({.wait = 1h});
  loop.pass(1s);
  EXPECT_EQ(host.end(gone), State::ended);
  EXPECT_EQ(host.end(holder), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return behind->state() == State::held; }, 50ms));
  EXPECT_EQ(host.end(behind), State::ended);
  loop.pass(1min);
  EXPECT_FALSE(host.show().held);
}

// Only the first waiter of a queue asks the store.
TEST_P(AnyLock, ReleasedWithSixWaiters_NotAllOfThemAsk) {
  const Session holder = host.take({.ttl = 1h});
  std::vector<Session> waiters;
  for (int i = 0; i < 6; ++i) waiters.push_back(host.open({.wait = 1h}));
  loop.pass(1s);
  const auto asked = [&] { return fleet.is_local() ? 0 : fleet[0].commands("EVALSHA"); };
  EXPECT_EQ(host.end(holder), State::ended);
  const std::uint64_t before = asked();
  ASSERT_EQ(host.decided(waiters.front())->state(), State::held);
  loop.pass(20ms);
  EXPECT_LE(asked() - before, 3U) << "the winner, and the next one, which finds it held";
}

// The end of that lock is not announced, so nothing but its departure can wake the next one.
TEST_P(AnyLock, FirstWaiterHasGone_NextFindsTheEndOfTheTimeToLive) {
  ASSERT_TRUE(host.acquire({.ttl = 2s}));
  const Session gone = host.open({.wait = 1h});
  const Session behind = host.open({.wait = 1h});
  loop.pass(1s);
  EXPECT_EQ(host.end(gone), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return behind->state() == State::held; }, 1200ms));
}

TEST_P(FleetLock, WaitRunsOutWhileTheServersAreOutOfReach_IsAnErrorForEveryWaiter) {
  LockHost& other = fleet.add_host();
  const Session holder = other.take({.ttl = 1h});
  ASSERT_EQ(holder->state(), State::held) << holder->reason();
  std::vector<Session> waiters;
  for (const Duration wait : {3600s, 30s, 20s}) {
    waiters.push_back(host.open({.wait = wait}));
    loop.pass(10ms);
  }
  fleet.set_fault(LockFleet::Fault::silent, 0);
  waiters.push_back(host.open({.wait = 10s}));
  for (std::size_t i = 1; i < waiters.size(); ++i) {
    EXPECT_EQ(host.decided(waiters[i])->state(), State::failed) << waiters[i]->busy().holder;
  }
  EXPECT_EQ(waiters.front()->state(), State::waiting);
  fleet.set_fault(LockFleet::Fault::none);
  loop.pass(5s);
  EXPECT_EQ(host.decided(host.open({.wait = 10s}))->state(), State::busy);
}

TEST_P(FleetLock, KeyOfTheNameIsChangedWhileAClientWaits_TwoDoNotHoldIt) {
  LockHost& other = fleet.add_host();
  const Session holder = other.take({.ttl = 1h});
  const Session waiter = host.open({.wait = 1h});
  ASSERT_TRUE(loop.turn_until([&] { return waiter->state() == State::waiting; }));
  agent::LockRules changed = fleet.rules;
  changed.at("*").terms.key = "cron:*";
  host.broker().configure(changed);
  const Session next = host.open({.wait = 1h});
  loop.pass(1s);
  EXPECT_EQ(other.end(holder), State::ended);
  loop.pass(10s);
  EXPECT_EQ(next->state(), State::held);
  EXPECT_TRUE(LockHost::is_over(*waiter)) << "it waited for the former key";
  EXPECT_THAT(waiter->reason(), testing::HasSubstr("a reload changed the key"));
}

}  // namespace
}  // namespace jeton::test
