// Each invariant of the locks of applications bites, and a run with lock users sees a lock that is taken away.
#include "tests/sim/lock_invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/invariant_fixture.hpp"
#include "tests/sim/lock_users.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto lock_key = "jeton:lock:{job}";

Plan plan_with_locks(Backend backend = Backend::redis) {
  Plan plan = calm_plan(backend);
  plan.lock_users = 3;
  plan.lock_user_ttl = seconds(3);
  return plan;
}

class LockOfUsers : public InvariantFixture {
 protected:
  LockOfUsers() : InvariantFixture(plan_with_locks()) {}

  [[nodiscard]] Belief belief(std::size_t host, std::uint64_t fence) const {
    return {"user-" + std::to_string(host), host, fence, world.now(), world.now() + seconds(3)};
  }

  LockInvariants locks{world};
};

TEST_F(LockOfUsers, TwoHoldIt_IsSeen) {
  locks.look({belief(0, 1), belief(1, 2)});
  EXPECT_EQ(broken(), Invariant::one_holder);
}

TEST_F(LockOfUsers, TwoOfOneHostHoldItBesideAThirdOfAnother_IsSeen) {
  plan.backend = Backend::local;  // the third has a lock of its own
  locks.look({belief(0, 1), belief(1, 2), belief(1, 3)});
  EXPECT_EQ(broken(), Invariant::one_holder);
}

TEST_F(LockOfUsers, TwoHoldItAfterTheServerLostItsData_IsWell) {
  world.disturbances.begin({.kind = FaultKind::flushed}, world.now());
  locks.look({belief(0, 1), belief(1, 2)});
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(LockOfUsers, TwoHoldItAfterTheQuorumLostTheKeyOfTheToken_IsSeen) {
  world.disturbances.lose_lease(bit(Invariant::min_interval), world.now());
  locks.look({belief(0, 1), belief(1, 2)});
  EXPECT_EQ(broken(), Invariant::one_holder);
}

TEST_F(LockOfUsers, SecondHoldsItAfterTheFirst_IsWell) {
  const Belief first = belief(0, 1);
  fleet.pass(seconds(3));
  locks.look({first, belief(1, 2)});
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(LockOfUsers, LossIsNotTold_IsSeen) {
  const Belief ended = belief(0, 1);
  fleet.start(0);
  fleet.pass(seconds(3) + milliseconds(6));
  locks.look({ended});
  EXPECT_EQ(broken(), Invariant::loss_is_told);
}

TEST_F(LockOfUsers, FenceDoesNotRise_IsSeen) {
  locks.granted(belief(0, 7));
  locks.granted(belief(1, 7));
  EXPECT_EQ(broken(), Invariant::fences_rise);
}

TEST_F(LockOfUsers, FenceDoesNotRiseAfterTheServerLostItsData_IsSeen) {
  locks.granted(belief(0, 7));
  world.disturbances.begin({.kind = FaultKind::flushed}, world.now());
  locks.granted(belief(1, 6));
  EXPECT_EQ(broken(), Invariant::fences_rise);
}

TEST_F(LockOfUsers, FenceOfAPassedLockDoesNotRiseAfterTheServerLostItsData_IsWell) {
  Belief passed = belief(0, 6);
  passed.passed_on = true;
  locks.granted(belief(1, 7));
  world.disturbances.begin({.kind = FaultKind::flushed}, world.now());
  locks.granted(passed);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(LockOfUsers, FenceOfAPassedLockDoesNotRiseWithoutALoss_IsSeen) {
  Belief passed = belief(0, 6);
  passed.passed_on = true;
  locks.granted(belief(1, 7));
  locks.granted(passed);
  EXPECT_EQ(broken(), Invariant::fences_rise);
}

TEST_F(LockOfUsers, UserHasNoTurnInTheCalm_IsSeen) {
  locks.waited_in_calm("user-0", 0);
  EXPECT_EQ(broken(), Invariant::lock_is_had);
}

TEST_F(LockOfUsers, LockIsLeftBehind_IsSeen) {
  fleet.server().cli({"SET", lock_key, "owner"});
  locks.nothing_is_left();
  EXPECT_EQ(broken(), Invariant::nothing_left);
}

TEST(LockUsers, NothingIsBroken_NoneIsViolated) {
  for (const Backend backend : {Backend::local, Backend::redis, Backend::redlock}) {
    EXPECT_FALSE(simulate(plan_with_locks(backend)).violation);
  }
}

// The server loses the key of a lock, and the simulation does not know of it.
TEST(LockUsers, LockIsTakenAway_TwoHoldIt) {
  Plan plan = plan_with_locks();
  plan.lock_user_ttl = seconds(10);
  const Outcome outcome = simulate(plan, {.each_turn = [](World& world) {
                                     world.fleet.server().cli({"DEL", lock_key});
                                   }});
  ASSERT_TRUE(outcome.violation);
  // Of two that got it since the last look, the one with the higher fence may be looked at first.
  EXPECT_THAT(outcome.violation->invariant, testing::AnyOf(Invariant::one_holder, Invariant::fences_rise));
}

// As where a stop takes too long: without the second broker the users of the host die at each look.
TEST_F(LockOfUsers, AgentIsKilledAndStartedAtTheSameMoment_ItsUsersLive) {
  fleet.start(0);
  world.crashed_at[0] = world.now();
  fleet.crash(0);
  fleet.start(0);
  LockUsers users(world);
  users.each_turn();
  users.each_turn();
  EXPECT_THAT(world.timeline.lines(), testing::Not(testing::Contains(testing::HasSubstr("dies"))));
}

TEST(LockUsers, SameSeed_SameRun) {
  const Plan plan = plan_with_locks();
  EXPECT_EQ(simulate(plan).hash, simulate(plan).hash);
}

}  // namespace
}  // namespace jeton::sim
