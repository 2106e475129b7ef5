// Giving back and extending (lock scenarios 6 to 10 and 21).
#include <gmock/gmock.h>

#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

TEST_P(AnyLock, NotRenewed_GoesToAnotherOwnerAfterItsTimeToLive) {
  const auto stale = host.acquire({.ttl = 200ms});
  ASSERT_TRUE(stale);
  loop.pass(300ms);
  const auto next = host.acquire({.ttl = 60s});
  ASSERT_TRUE(next);
  EXPECT_NE(next->owner, stale->owner);
  EXPECT_GT(next->fence, stale->fence);
}

TEST_P(AnyLock, StaleOwnerGivesBackOrExtends_SuccessorIsUntouched) {
  const auto stale = host.acquire({.ttl = 200ms});
  ASSERT_TRUE(stale);
  loop.pass(300ms);
  const Session next = host.take({.ttl = 60s});
  ASSERT_EQ(next->state(), State::held) << next->reason();
  EXPECT_FALSE(host.release(stale->owner));
  EXPECT_FALSE(host.extend(stale->owner, 1h));
  const agent::LockView view = host.show();
  EXPECT_EQ(view.owner, lease_of(next).owner);
  EXPECT_LE(view.ttl.value(), 60s);
  EXPECT_GT(view.ttl.value(), 59s);
  EXPECT_EQ(next->state(), State::held) << next->reason();
}

TEST_P(AnyLock, Expired_IsNeitherGivenBackNorExtendedNorCreatedAgain) {
  const auto lease = host.acquire({.ttl = 200ms});
  ASSERT_TRUE(lease);
  loop.pass(300ms);
  EXPECT_FALSE(host.show().held);
  EXPECT_FALSE(host.extend(lease->owner, 60s));
  EXPECT_FALSE(host.release(lease->owner));
  EXPECT_FALSE(host.show().held);
}

TEST_P(AnyLock, GivenBackTwiceOrNeverTaken_IsNotHeld) {
  EXPECT_FALSE(host.release("nobody"));
  EXPECT_FALSE(host.extend("nobody", 60s));
  const auto lease = host.acquire();
  ASSERT_TRUE(lease);
  EXPECT_TRUE(host.release(lease->owner));
  EXPECT_FALSE(host.release(lease->owner));
  EXPECT_FALSE(host.extend(lease->owner, 60s));
  EXPECT_FALSE(host.show().held) << "an extension creates nothing";
}

// The client of an agent that is gone goes on with its lock at the next one and ends at once.
TEST_P(FleetLock, ClientEndsBeforeTheNextAgentCanAsk_IsGivenBackWhenItCan) {
  LockHost& next_host = fleet.add_host();
  const Session former = host.take({.ttl = 60s});
  ASSERT_EQ(former->state(), State::held) << former->reason();
  agent::LockRequest request = former->request();
  request.outlives_agent = true;
  request.resumed[request.name] = lease_of(former).owner;
  former->hand_over();
  loop.pass(100ms);
  fleet.set_fault(LockFleet::Fault::silent);
  const Session next = next_host.broker().open(std::move(request));
  loop.pass(100ms);
  next->cancel();
  loop.pass(2s);
  EXPECT_FALSE(LockHost::is_over(*next)) << "nothing was given back yet";
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*next); }, 1min));
  EXPECT_EQ(next->state(), State::ended);
  EXPECT_FALSE(host.show().held);
}

// The next agent is stopped, too, before it could ask.
TEST_P(FleetLock, NextAgentStopsBeforeItCanAsk_LockIsLeftToTheOneAfterIt) {
  LockHost& next_host = fleet.add_host();
  LockHost& last_host = fleet.add_host();
  const Session former = host.take({.ttl = 60s});
  ASSERT_EQ(former->state(), State::held) << former->reason();
  agent::LockRequest request = former->request();
  request.outlives_agent = true;
  request.resumed[request.name] = lease_of(former).owner;
  former->hand_over();
  loop.pass(100ms);
  fleet.set_fault(LockFleet::Fault::held);
  const Session next = next_host.broker().open(request);
  loop.pass(100ms);
  boost::asio::co_spawn(loop.context, next_host.broker().stop(), [](std::exception_ptr) {});
  loop.pass(100ms);
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*next); }, 1min));
  EXPECT_EQ(next->state(), State::handed_over);
  const Session last = last_host.decided(last_host.broker().open(request));
  EXPECT_EQ(last->state(), State::held) << last->reason();
  EXPECT_EQ(last_host.end(last), State::ended);
}

// What the store keeps begins somewhere on the way: of a late answer the whole way is the holder's loss.
TEST_P(FleetLock, AnswersComeLate_LeaseCountsFromTheRequest) {
  fleet.network.set_latency(100ms, 100ms);
  const agent::BootTime asked_at = loop.clock.boot_now();
  const auto lease = host.acquire({.ttl = 10s});
  ASSERT_TRUE(lease);
  EXPECT_LT(lease->valid_until, asked_at + 10s);
  const agent::BootTime asked_again_at = loop.clock.boot_now();
  const auto extended = host.extend(lease->owner, 10s);
  ASSERT_TRUE(extended);
  EXPECT_GE(loop.clock.boot_now() - asked_again_at, 200ms) << "longer than what a lease is short of";
  EXPECT_LT(extended->valid_until, asked_again_at + 10s);
}

TEST_P(AnyLock, Extended_HasTheNewTimeToLiveAndTheSameFence) {
  const auto lease = host.acquire({.ttl = 1h});
  ASSERT_TRUE(lease);
  const auto extended = host.extend(lease->owner, 1min);
  ASSERT_TRUE(extended);
  EXPECT_EQ(extended->fence, lease->fence);
  const agent::LockView view = host.show();
  EXPECT_EQ(view.fence, lease->fence);
  EXPECT_LE(view.ttl.value(), 1min);
  EXPECT_GT(view.ttl.value(), 59s);
}

TEST_P(AnyLock, SessionsLockExtended_HasTheNewTimeToLiveAndIsRenewedToIt) {
  const Session one = host.take({.ttl = 1h});
  const std::string owner = lease_of(one).owner;
  const std::uint64_t fence = lease_of(one).fence;
  ASSERT_TRUE(host.extend(owner, 500ms));
  EXPECT_LE(host.show().ttl.value(), 500ms);
  loop.pass(5s);
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_EQ(host.show().owner, owner);
  EXPECT_LE(host.show().ttl.value(), 500ms);
  ASSERT_TRUE(host.extend(owner, 1h));
  EXPECT_GT(host.show().ttl.value(), 59min);
  EXPECT_EQ(lease_of(one).fence, fence);
}

// The servers may have done it all the same.
TEST_P(FleetLock, ExtensionToAShorterTimeIsNotAnswered_IsRenewedAtOnce) {
  const Session one = host.take({.ttl = 60s});
  const std::string owner = lease_of(one).owner;
  loop.pass(1s);
  fleet.set_fault(LockFleet::Fault::deaf);
  EXPECT_THROW(host.extend(owner, 2s), agent::TransportError);
  fleet.set_fault(LockFleet::Fault::none);
  loop.pass(5s);
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_EQ(fleet.value(), owner);
}

TEST_P(FleetLock, ExtensionToAShorterTimeIsNotAnswered_IsLostWhenThatTimeIsOver) {
  const Session one = host.take({.ttl = 60s});
  loop.pass(1s);
  const agent::BootTime asked_at = loop.clock.boot_now();
  fleet.set_fault(LockFleet::Fault::deaf);
  EXPECT_THROW(host.extend(lease_of(one).owner, 2s), agent::TransportError);
  EXPECT_TRUE(loop.turn_until([&] { return one->state() == State::lost; }, 1min));
  EXPECT_LE(loop.clock.boot_now() - asked_at, 2s);
  EXPECT_THAT(one->reason(), testing::HasSubstr("no answer"));
}

TEST_P(FleetLock, KeyIsAnothers_IsNotExtendedAndTheOtherKeepsIt) {
  const auto lease = host.acquire({.ttl = 60s});
  ASSERT_TRUE(lease);
  fleet.cli({"SET", LockFleet::key(), "foreign", "PX", "60000"});
  EXPECT_FALSE(host.extend(lease->owner, 1h));
  EXPECT_FALSE(host.release(lease->owner));
  EXPECT_EQ(fleet.count("foreign"), fleet.size());
  EXPECT_LE(fleet.pttl(), 60'000);
  EXPECT_GT(fleet.pttl(), 59'000);
}

TEST_P(FleetLock, KeyIsGone_IsNotExtendedAndNotCreatedAgain) {
  const auto lease = host.acquire({.ttl = 60s});
  ASSERT_TRUE(lease);
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_FALSE(host.extend(lease->owner, 1h));
  EXPECT_FALSE(host.release(lease->owner));
  EXPECT_TRUE(fleet.nowhere());
}

TEST_P(FleetLock, KeyOfTheNameIsChangedWhileItIsHeld_HolderIsShownAndItCanBeReleased) {
  agent::LockRules changed = fleet.rules;
  changed.at("*").terms.key = "cron:*";
  for (const bool forced : {true, false}) {
    SCOPED_TRACE(forced ? "by an administrator" : "by its owner id");
    host.broker().configure(fleet.rules);
    const Session holder = host.take({.ttl = 1h});
    ASSERT_EQ(holder->state(), State::held) << holder->reason();
    const std::string owner = lease_of(holder).owner;
    host.broker().configure(changed);
    EXPECT_EQ(host.show().owner, owner);
    EXPECT_TRUE(forced ? host.force_release() : host.release(owner));
    EXPECT_TRUE(loop.turn_until([&] { return holder->state() == State::lost && fleet.nowhere(); }));
  }
}

TEST_P(FleetLock, KeyOfTheNameIsChangedWhileItIsDetached_OwnerCanExtendAndReleaseIt) {
  const auto lease = host.acquire({.ttl = 1h});
  ASSERT_TRUE(lease);
  agent::LockRules changed = fleet.rules;
  changed.at("*").terms.key = "cron:*";
  host.broker().configure(changed);
  EXPECT_TRUE(host.extend(lease->owner, 2h));
  EXPECT_GT(fleet.pttl(), 7'000'000);
  EXPECT_TRUE(host.release(lease->owner));
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }));
}

TEST_P(FleetLock, KeyOfTheNameIsChangedWhileItIsDetached_TwoDoNotHoldIt) {
  agent::LockRules changed = fleet.rules;
  changed.at("*").terms.key = "cron:*";
  for (const bool forced : {true, false}) {
    SCOPED_TRACE(forced ? "taken by an administrator" : "ended by itself");
    host.broker().configure(fleet.rules);
    const auto lease = host.acquire({.ttl = 1h});
    ASSERT_TRUE(lease);
    host.broker().configure(changed);
    EXPECT_THROW(host.open({}), agent::LockRefusal);
    EXPECT_EQ(host.show().owner, lease->owner);
    if (forced) {
      EXPECT_TRUE(host.force_release());
    } else {
      loop.pass(1h + 1s);
    }
    const Session next = host.take();
    EXPECT_EQ(next->state(), State::held) << next->reason();
    EXPECT_EQ(host.end(next), State::ended);
  }
}

// The key was deleted in Redis, so there is nothing to take.
TEST_P(FleetLock, DetachedLockOfAFormerKeyIsGone_AdministratorMakesRoomForTheNext) {
  ASSERT_TRUE(host.acquire({.ttl = 1h}));
  agent::LockRules changed = fleet.rules;
  changed.at("*").terms.key = "cron:*";
  host.broker().configure(changed);
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_FALSE(host.force_release());
  EXPECT_EQ(host.take()->state(), State::held);
}

TEST_P(AnyLock, TakenByAnAdministrator_IsLostAndFreeForTheNext) {
  const Session one = host.take({.ttl = 1h});
  const std::string owner = lease_of(one).owner;
  EXPECT_TRUE(host.force_release());
  EXPECT_TRUE(loop.turn_until([&] { return one->state() == State::lost; }, 1s));
  EXPECT_FALSE(host.extend(owner, 2h));
  const auto next = host.acquire();
  ASSERT_TRUE(next);
  EXPECT_FALSE(host.release(owner));
  EXPECT_EQ(host.show().owner, next->owner);
}

TEST_P(FleetLock, GivenBackAtAnotherHostByItsOwnerId_IsLostLongBeforeTheNextRenewal) {
  LockHost& other = fleet.add_host();
  const Session one = host.take({.ttl = 24h});
  loop.pass(1s);
  EXPECT_TRUE(other.release(lease_of(one).owner));
  EXPECT_TRUE(loop.turn_until([&] { return one->state() == State::lost; }, 1s));
}

}  // namespace
}  // namespace jeton::test
