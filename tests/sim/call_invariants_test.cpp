// Each invariant of calls to the provider bites, and is silent where its promise is suspended.
#include "tests/sim/call_invariants.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/invariant_fixture.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = test::Answer::Kind;

// The tests report calls to the invariants that no host has made.
class Calls : public InvariantFixture {
 protected:
  explicit Calls(Plan p = calm_plan()) : InvariantFixture(std::move(p)) { plan.refresh.min_interval = milliseconds(0); }

  test::ProviderCall begin(std::size_t host) {
    test::ProviderCall call;
    call.host = host_name(host);
    call.asked_at = world.now();
    calls.heard(call);
    return call;
  }
  void end(test::ProviderCall call, Kind outcome, bool replay = false) {
    call.ended_at = world.now();
    call.outcome = outcome;
    call.replay = replay;
    calls.heard(call);
  }

  CallInvariants calls{world};
};

TEST_F(Calls, TwoAtATime_IsSeen) {
  begin(0);
  fleet.pass(seconds(2));
  begin(1);
  EXPECT_EQ(broken(), Invariant::one_fetch_at_a_time);
}

TEST_F(Calls, SecondBeginsAfterTheTimeoutsOfTheFirst_IsWell) {
  begin(0);
  fleet.pass(seconds(21));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(Calls, SecondComesTooEarly_IsSeen) {
  plan.refresh.min_interval = seconds(5);
  end(begin(0), Kind::token);
  fleet.pass(seconds(3));
  begin(1);
  EXPECT_EQ(broken(), Invariant::min_interval);
}

TEST_F(Calls, SecondComesTooEarlyWhereTheStoreLostItsData_IsWell) {
  plan.refresh.min_interval = seconds(5);
  end(begin(0), Kind::token);
  world.disturbances.begin({.kind = FaultKind::flushed}, world.now());
  fleet.pass(seconds(3));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(Calls, PauseIsNotKept_IsSeen) {
  end(begin(0), Kind::permanent);
  fleet.pass(seconds(10));
  begin(1);
  EXPECT_EQ(broken(), Invariant::pause_is_kept);
}

TEST_F(Calls, OperatorEndedThePause_IsWell) {
  end(begin(0), Kind::permanent);
  fleet.pass(seconds(10));
  world.pause_lifted_at = world.now();
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(Calls, SpentRefreshTokenIsPresented_IsSeen) {
  end(begin(0), Kind::token);
  fleet.pass(seconds(10));
  end(begin(1), Kind::permanent, true);
  EXPECT_EQ(broken(), Invariant::chain);
}

TEST_F(Calls, StoreHasNotCountedIt_IsSeen) {
  plan.budget.calls = 5;
  begin(0);
  EXPECT_EQ(broken(), Invariant::budget);
}

class CallsOfHostsByThemselves : public Calls {
 protected:
  CallsOfHostsByThemselves() {
    plan.fetch_alone = seconds(10);
    plan.refresh.min_interval = seconds(5);
  }
  void lose_the_store() { world.disturbances.begin({.kind = FaultKind::server_down}, world.now()); }
};

TEST_F(CallsOfHostsByThemselves, AnotherKnowsNothingOfThat_IsWell) {
  lose_the_store();
  end(begin(0), Kind::transient);
  fleet.pass(seconds(3));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(CallsOfHostsByThemselves, StoreWasInReach_SecondOfAnotherIsTooEarly) {
  end(begin(0), Kind::transient);
  fleet.pass(seconds(3));
  begin(1);
  EXPECT_EQ(broken(), Invariant::min_interval);
}

TEST_F(CallsOfHostsByThemselves, StoreWasInReach_TwoAtATimeAreSeen) {
  begin(0);
  fleet.pass(seconds(6));
  begin(1);
  EXPECT_EQ(broken(), Invariant::one_fetch_at_a_time);
}

TEST_F(CallsOfHostsByThemselves, StoreIsAway_TwoAtATimeAreWell) {
  lose_the_store();
  begin(0);
  fleet.pass(seconds(6));
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

class CallsOfAQuorum : public Calls {
 protected:
  CallsOfAQuorum() : Calls(calm_plan(Backend::redlock)) {}
};

TEST_F(CallsOfAQuorum, MoreThanTwoWindows_IsSeen) {
  plan.budget = {.calls = 3, .per = minutes(4)};
  for (int i = 0; i < 6; ++i) {
    end(begin(0), Kind::token);
    fleet.pass(seconds(10));
  }
  EXPECT_EQ(broken(), std::nullopt);
  begin(1);
  EXPECT_EQ(broken(), Invariant::budget);
}

TEST_F(CallsOfAQuorum, OneServerOfThreeIsDisturbed_PromiseIsNotSuspended) {
  end(begin(0), Kind::permanent);
  world.disturbances.begin({.kind = FaultKind::server_down, .target = 1}, world.now());
  begin(1);
  EXPECT_EQ(broken(), Invariant::pause_is_kept);
}

TEST_F(CallsOfAQuorum, TwoServersOfThreeAreDisturbed_PromiseIsSuspended) {
  end(begin(0), Kind::permanent);
  world.disturbances.begin({.kind = FaultKind::server_down, .target = 1}, world.now());
  world.disturbances.begin({.kind = FaultKind::server_frozen, .target = 2}, world.now());
  begin(1);
  EXPECT_EQ(broken(), std::nullopt);
}

}  // namespace
}  // namespace jeton::sim
