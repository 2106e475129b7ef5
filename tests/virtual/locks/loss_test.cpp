// Renewal and loss (lock scenarios 16, 17, 18 and 20).
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

TEST_P(AnyLock, HeldForFiveTimesToLive_IsRenewedAndContendersAreBusy) {
  const Session one = host.take({.ttl = 1s});
  const std::string owner = lease_of(one).owner;
  for (int i = 0; i < 50; ++i) {
    loop.pass(100ms);
    EXPECT_EQ(host.take()->state(), State::busy);
    EXPECT_EQ(host.show().owner, owner);
  }
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_GT(one->renewals(), 10U);
}

// The client has died; the agent sees the end of its connection.
TEST_P(AnyLock, ClientHasGone_IsFreeLongBeforeItsTimeToLive) {
  const Session one = host.take({.ttl = 1h});
  one->cancel();
  const Session next = host.take({.wait = 1s});
  EXPECT_EQ(next->state(), State::held) << next->reason();
}

// Its host has died: nothing comes from it any more.
TEST_P(FleetLock, HostHasGone_IsFreeWithinOneTimeToLiveAndNotBeforeItsLeaseEnds) {
  LockHost& other = fleet.add_host();
  const Session here = host.take({.ttl = 1s});
  loop.pass(5s);
  ASSERT_EQ(here->state(), State::held) << here->reason();
  fleet.set_fault(LockFleet::Fault::no_connection, 0);
  const agent::BootTime gone_at = loop.clock.boot_now();
  const agent::BootTime lease_end = here->valid_until();
  const Session there = other.take({.wait = 1h});
  ASSERT_EQ(there->state(), State::held) << there->reason();
  EXPECT_GE(loop.clock.boot_now(), lease_end);
  EXPECT_LT(loop.clock.boot_now() - gone_at, 1200ms);
}

// Two holders must not be seen at any moment.
TEST_P(FleetLock, HostIsCutOffBeyondItsTimeToLive_KnowsTheLossBeforeAnotherHostHasIt) {
  LockHost& other = fleet.add_host();
  const Session here = host.take({.ttl = 1s});
  const std::string owner = lease_of(here).owner;
  const std::uint64_t fence = lease_of(here).fence;
  const Session there = other.open({.ttl = 1h, .wait = 1h});
  loop.pass(2s);
  fleet.set_fault(LockFleet::Fault::held, 0);
  bool two_hold = false;
  ASSERT_TRUE(loop.turn_until([&] {
    two_hold = two_hold || (here->state() == State::held && there->state() == State::held);
    return there->state() == State::held;
  }));
  EXPECT_FALSE(two_hold);
  EXPECT_EQ(here->state(), State::lost);
  EXPECT_GT(lease_of(there).fence, fence) << "a resource that knows it refuses the stale one";
  fleet.set_fault(LockFleet::Fault::none);  // requests that it sent meanwhile arrive
  loop.pass(10s);
  EXPECT_EQ(fleet.value(), lease_of(there).owner);
  EXPECT_GT(fleet.pttl(), 3'000'000);
  EXPECT_FALSE(host.release(owner));
  EXPECT_FALSE(host.extend(owner, 10s));
  EXPECT_EQ(there->state(), State::held) << there->reason();
}

// kill -9 of the agent: the client goes on with its lock at the next one.
class ResumedLock : public FleetTest {
 protected:
  ResumedLock() { loop.pass(500ms); }  // every server knows the fence

  Session former = host.take({.ttl = 3s});
};

TEST_P(ResumedLock, StillHeld_GoesOnUnderTheSameOwnerAndFenceAndIsRenewed) {
  fleet.set_fault(LockFleet::Fault::no_connection, 0);
  const Session one = fleet.add_host().resume(*former);
  ASSERT_EQ(one->state(), State::held) << one->reason();
  EXPECT_EQ(lease_of(one).owner, lease_of(former).owner);
  EXPECT_EQ(lease_of(one).fence, lease_of(former).fence);
  loop.pass(10s);
  EXPECT_EQ(one->state(), State::held) << one->reason();
}

TEST_P(ResumedLock, TakenMeanwhile_IsLostAndTheOtherKeepsIt) {
  fleet.set_fault(LockFleet::Fault::no_connection, 0);
  fleet.cli({"SET", LockFleet::key(), "another", "PX", "60000"});
  EXPECT_EQ(fleet.add_host().resume(*former)->state(), State::lost);
  EXPECT_EQ(fleet.count("another"), fleet.size());
}

INSTANTIATE_TEST_SUITE_P(On, ResumedLock, testing::Values("redis", "redlock"), backend_name);

class LostKey : public FleetTest {
 protected:
  // Holds, and looks for the loss within a renewal of a TTL of 3 s.
  void lose(const std::function<void()>& how) {
    session = host.take({.ttl = 3s, .wait = 10s});
    ASSERT_EQ(session->state(), State::held) << session->reason();
    fence = lease_of(session).fence;
    loop.pass(500ms);
    how();
    EXPECT_TRUE(loop.turn_until([&] { return session->state() == State::lost; }, 1100ms));
  }
  void expect_not_created_again() {
    const Duration two_times_to_live = 6s;
    EXPECT_FALSE(
        loop.turn_until([&] { return fleet.majority() <= fleet.size() - fleet.count(""); }, two_times_to_live));
    EXPECT_TRUE(fleet.nowhere());
  }
  // The same client takes it again, and the new one is renewed.
  void expect_locks_again() {
    const Session again = host.take({.ttl = 1s, .wait = 10s});
    ASSERT_EQ(again->state(), State::held) << again->reason();
    EXPECT_GT(lease_of(again).fence, fence);
    loop.pass(5s);
    EXPECT_EQ(again->state(), State::held) << again->reason();
    EXPECT_EQ(host.end(again), State::ended);
  }

  Session session;
  std::uint64_t fence = 0;
};

TEST_P(LostKey, Deleted_IsLostWithinARenewalAndCanBeTakenAgain) {
  lose([&] { fleet.cli_of_majority({"DEL", LockFleet::key()}); });
  expect_not_created_again();
  expect_locks_again();
}

TEST_P(LostKey, Flushed_IsLostWithinARenewalAndCanBeTakenAgain) {
  lose([&] { fleet.cli_of_majority({"FLUSHALL"}); });
  expect_not_created_again();
  expect_locks_again();
}

TEST_P(LostKey, Overwritten_IsLostWithinARenewalAndTheOtherKeepsIt) {
  lose([&] { fleet.cli_of_majority({"SET", LockFleet::key(), "foreign", "PX", "3600000"}); });
  loop.pass(6s);
  EXPECT_EQ(fleet.count("foreign"), fleet.majority());
  EXPECT_EQ(fleet.count(""), fleet.size() - fleet.majority());
  EXPECT_GT(fleet.pttl(), 3'590'000) << "neither extended nor shortened";
  EXPECT_FALSE(host.show().note.by) << "the note of the former holder is not the other's";
}

TEST_P(LostKey, ServersRestartEmpty_IsLostWithinARenewalAndCanBeTakenAgain) {
  lose([&] { fleet.restart_majority(); });
  expect_not_created_again();
  expect_locks_again();
}

TEST_P(LostKey, DeletedJustBeforeTheRelease_IsReportedAsLost) {
  session = host.take({.ttl = 1h});
  loop.pass(500ms);
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_EQ(host.end(session), State::lost);
}

TEST_P(LostKey, ServersStayDead_IsLostWhenTheLeaseEndsAndWaitersAskAgainWhenTheyAreBack) {
  session = host.take({.ttl = 2s});
  fence = lease_of(session).fence;
  const Session waiter = host.open({.wait = 1h});
  loop.pass(500ms);
  fleet.kill_majority();
  EXPECT_TRUE(loop.turn_until([&] { return session->state() == State::lost; }, 2s));
  loop.pass(1min);
  EXPECT_EQ(waiter->state(), State::waiting) << waiter->reason();
  fleet.restart_majority();
  EXPECT_TRUE(loop.turn_until([&] { return waiter->state() == State::held; }, 10s));
  EXPECT_GT(lease_of(waiter).fence, fence);
}

INSTANTIATE_TEST_SUITE_P(On, LostKey, testing::Values("redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
