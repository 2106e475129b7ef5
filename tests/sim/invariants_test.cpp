// Each invariant bites: what it forbids is made to happen, and it says so.
#include "tests/sim/invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/call_invariants.hpp"
#include "tests/sim/calm_plan.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = test::Answer::Kind;

constexpr auto updater_key = "jeton:{api}:updater";

std::optional<Invariant> violated(const Outcome& outcome) {
  return outcome.violation ? std::optional(outcome.violation->invariant) : std::nullopt;
}

std::optional<Invariant> violated_by(const std::function<void(World&)>& each_turn) {
  return violated(simulate(calm_plan(), {.each_turn = each_turn}));
}

TEST(SimInvariant, NothingIsBroken_NoneIsViolated) { EXPECT_EQ(violated_by({}), std::nullopt); }

TEST(SimInvariant, SegmentGoesBack_IsSeen) {
  const auto broken = violated_by([](World& world) {
    if (world.since_start() > seconds(20)) world.fleet.segments[1].record->generation = 1;
  });
  EXPECT_EQ(broken, Invariant::segment_goes_forward);
}

TEST(SimInvariant, ServerGoesBack_IsSeen) {
  const auto broken = violated_by([](World& world) {
    if (world.since_start() > seconds(20)) {
      world.fleet.server().cli({"HSET", test::token_key_of_api, "generation", "5"});
    }
  });
  EXPECT_EQ(broken, Invariant::server_goes_forward);
}

TEST(SimInvariant, TwoTokensHaveOneGeneration_IsSeen) {
  const auto broken = violated_by([](World& world) {
    test::ModelSegment& segment = world.fleet.segments[0];
    if (world.since_start() < seconds(20)) return;
    segment.record->value = agent::SecretString("another");
    segment.observer();
  });
  EXPECT_EQ(broken, Invariant::one_token_a_generation);
}

TEST(SimInvariant, TokenIsShownPastItsEnd_IsSeen) {
  Plan plan = calm_plan();
  plan.hosts = 1;
  test::VirtualFleet fleet({.agents = 1});
  World world(plan, fleet, nullptr);
  TokenInvariants tokens(world);
  test::ModelSegment& segment = fleet.segments[0];
  fleet.provider.lifetime = plan.lifetime;
  fleet.provider.observer = [&](const test::ProviderCall& call) { tokens.issued(call); };
  segment.observer = [&] { tokens.published(0); };
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.crash(0);
  segment.record->expires_at += hours(1);
  segment.record->expires_boot += hours(1);
  fleet.pass(seconds(55));
  tokens.each_turn();
  EXPECT_FALSE(world.violation);
  fleet.pass(seconds(5));
  tokens.each_turn();
  ASSERT_TRUE(world.violation);
  EXPECT_EQ(world.violation->invariant, Invariant::token_ends);
}

TEST(SimInvariant, FleetDoesNotRecover_IsSeen) {
  const auto broken = violated_by([](World& world) { world.fleet.provider.behave(test::Answer::refusal()); });
  EXPECT_EQ(broken, Invariant::recovery);
}

TEST(SimInvariant, LoopSpins_IsSeen) {
  const Plan plan = calm_plan();
  test::VirtualFleet fleet({.agents = 2});
  World world(plan, fleet, nullptr);
  WorkInvariants work(world);
  for (int i = 0; i < 10'000; ++i) work.each_turn();
  fleet.pass(seconds(11));
  work.each_turn();
  ASSERT_TRUE(world.violation);
  EXPECT_EQ(world.violation->invariant, Invariant::bounded_work);
}

class LeftInStore : public testing::Test {
 protected:
  std::string left_with(const std::vector<std::string>& command) {
    const Plan plan = calm_plan();
    test::VirtualFleet fleet({.agents = 2});
    World world(plan, fleet, nullptr);
    TokenInvariants tokens(world);
    fleet.server().cli(command);
    tokens.nothing_is_left();
    return world.violation ? world.violation->text : "";
  }
};

TEST_F(LeftInStore, Lock_IsSeen) {
  EXPECT_THAT(left_with({"SET", updater_key, "me", "PX", "9000"}), testing::HasSubstr("no agent runs"));
}
TEST_F(LeftInStore, UnknownKey_IsSeen) {
  EXPECT_THAT(left_with({"SET", "jeton:{api}:odd", "1", "PX", "9000"}), testing::HasSubstr("no page lists"));
}
TEST_F(LeftInStore, KeyWithoutAnExpiry_IsSeen) {
  EXPECT_THAT(left_with({"SET", "jeton:{api}:fence", "1"}), testing::HasSubstr("without an expiry"));
}
TEST_F(LeftInStore, KnownKeyWithAnExpiry_IsWell) {
  EXPECT_EQ(left_with({"SET", "jeton:{api}:fence", "1", "PX", "9000"}), "");
}

// The tests report calls to the invariants that no host has made.
class Calls : public testing::Test {
 protected:
  explicit Calls(Plan p = calm_plan()) : plan(std::move(p)), fleet(settings()) {
    plan.refresh.min_interval = milliseconds(0);
  }

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
  [[nodiscard]] std::optional<Invariant> broken() const {
    return world.violation ? std::optional(world.violation->invariant) : std::nullopt;
  }

  Plan plan;
  test::VirtualFleet fleet;
  World world{plan, fleet, nullptr};
  CallInvariants calls{world};

 private:
  [[nodiscard]] test::FleetSettings settings() const { return {.agents = plan.hosts, .servers = plan.servers}; }
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

TEST_F(Calls, HostHasAValidToken_IsSeen) {
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  begin(0);
  EXPECT_EQ(broken(), Invariant::no_needless_fetch);
}

TEST_F(Calls, TokenIsDue_IsWell) {
  fleet.provider.lifetime = minutes(1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  begin(0);
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
