// Requests on their way when a lock is given up: a renewal, the acquisition, the release (lock scenarios 15 and 19).
#include "tests/support/effort.hpp"
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

class InFlight : public FleetTest {
 protected:
  using Fault = LockFleet::Fault;

  // For two times to live.
  void expect_free_and_left_alone(Duration ttl) {
    EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 10s));
    EXPECT_FALSE(loop.turn_until([&] { return !fleet.nowhere(); }, 2 * ttl));
  }
};

TEST_P(InFlight, RenewalAtTheRelease_LeavesNoKey) {
  const Session one = host.take({.ttl = 3s});
  loop.pass(900ms);
  fleet.set_fault(Fault::held);
  loop.pass(200ms);  // the renewal is sent, and does not arrive
  one->cancel();
  loop.pass(100ms);
  EXPECT_FALSE(LockHost::is_over(*one));
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*one); }));
  expect_free_and_left_alone(3s);
}

TEST_P(InFlight, ClientHasGoneBeforeTheAcquisitionArrives_LeavesNoKey) {
  for (const bool detached : {true, false}) {
    SCOPED_TRACE(detached ? "detached" : "session");
    const auto before = fleet.counters();
    fleet.set_fault(Fault::held);
    const Session one = host.open({.ttl = 1h}, detached);
    loop.pass(10ms);
    one->cancel();
    fleet.set_fault(Fault::none);
    EXPECT_TRUE(loop.turn_until([&] { return fleet.counters() != before; }, 1s))
        << "it was not taken: nothing is shown";
    expect_free_and_left_alone(1min);
  }
}

TEST_P(InFlight, ClientHasGoneAtAnyMomentOfTheAcquisition_LeavesNoKey) {
  for (Duration moment = 0us; moment < 3ms; moment += effort(50us, 170us)) {
    SCOPED_TRACE(moment.count());
    const Session one = host.open({.ttl = 1h});
    loop.pass(moment);
    EXPECT_EQ(host.end(one), State::ended);
    expect_free_and_left_alone(2s);
  }
}

TEST_P(InFlight, ReleaseIsNotAnswered_IsTriedAgainUntilItIs) {
  const Session one = host.take({.ttl = 1h});
  fleet.set_fault(Fault::held);
  one->cancel();
  loop.pass(10s);
  EXPECT_FALSE(LockHost::is_over(*one));
  EXPECT_FALSE(fleet.nowhere());
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*one) && fleet.nowhere(); }, 10s));
  free_again(host);
}

TEST_P(InFlight, ReleaseNeverArrives_IsGivenUpWhenTheLockHasEndedByItself) {
  const Session one = host.take({.ttl = 3s});
  fleet.set_fault(Fault::no_connection);
  one->cancel();
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*one); }, 4s));
  EXPECT_TRUE(fleet.nowhere());
}

TEST_P(InFlight, ServersDieWhileItIsGivenBack_NothingIsLeft) {
  const Session one = host.take({.ttl = 1h});
  fleet.set_fault(Fault::held);
  one->cancel();
  loop.pass(100ms);
  fleet.kill_majority();
  fleet.restart_majority();
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*one); }));
  free_again(host);
}

// kill -9 of the agent: the lock that it was giving back is left to its TTL.
TEST_P(InFlight, HostHasGoneWhileItGivesBack_IsFreeWithinOneTimeToLive) {
  LockHost& other = fleet.add_host();
  const Session one = host.take({.ttl = 3s});
  fleet.set_fault(Fault::no_connection, 0);
  one->cancel();
  const agent::BootTime gone_at = loop.clock.boot_now();
  const Session next = other.take({.wait = 1h});
  ASSERT_EQ(next->state(), State::held) << next->reason();
  EXPECT_LT(loop.clock.boot_now() - gone_at, 3200ms);
}

INSTANTIATE_TEST_SUITE_P(On, InFlight, testing::Values("redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
