// Each invariant of tokens bites: what it forbids is made to happen, and it says so.
#include "tests/sim/invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/simulation.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::sim {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

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

// The first byte of the value that an agent has left behind.
void damage_segment(const test::ModelSegment& segment) {
  const std::string value(segment.record->value.reveal());
  const auto file = segment.directory / "segments" / "api";
  const std::size_t at = test::read_file(file).find(value);
  ASSERT_NE(at, std::string::npos);
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(at)).put('X');
}

TEST(SimInvariant, SegmentIsDamagedBetweenTwoRuns_IsSeen) {
  Plan plan = calm_plan();
  plan.real_segments = true;
  bool is_damaged = false;
  const Outcome outcome = simulate(plan, {.each_turn = [&](World& world) {
                                     if (is_damaged || world.since_start() < seconds(20)) return;
                                     world.fleet.crash(1);
                                     damage_segment(world.fleet.segments[1]);
                                     world.fleet.start(1);
                                     is_damaged = true;
                                   }});
  EXPECT_EQ(violated(outcome), Invariant::segment_is_adopted);
}

TEST(SimInvariant, SegmentIsDamagedBeforeARejection_ReaderSeesIt) {
  Plan plan = calm_plan();
  plan.real_segments = true;
  bool is_damaged = false;
  const Outcome outcome = simulate(plan, {.each_turn = [&](World& world) {
                                     if (is_damaged || world.since_start() < seconds(20)) return;
                                     is_damaged = true;
                                     damage_segment(world.fleet.segments[1]);
                                     world.reject_token(1);
                                   }});
  EXPECT_EQ(violated(outcome), Invariant::segment_is_read);
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
  fleet.provider.observer = [&](const test::ProviderCall& call) { tokens.heard(call); };
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

void refuse_after_the_first_token(World& world) {
  if (world.since_start() > seconds(20)) world.fleet.provider.behave(test::Answer::refusal());
}

TEST(SimInvariant, NoTokenFollowsInTime_IsSeen) {
  EXPECT_EQ(violated_by(refuse_after_the_first_token), Invariant::token_is_there);
}

TEST(SimInvariant, NoTokenFollowsInTimeThoughTheBudgetAllowsIt_IsSeen) {
  Plan plan = calm_plan();
  plan.budget = {.calls = 4, .per = std::chrono::minutes(4), .reserve = 1};
  EXPECT_EQ(violated(simulate(plan, {.each_turn = refuse_after_the_first_token})), Invariant::token_is_there);
}

TEST(SimInvariant, BudgetIsSpentBeforeTheNextToken_IsWell) {
  Plan plan = calm_plan();
  plan.budget = {.calls = 2, .per = std::chrono::minutes(4), .reserve = 1};
  EXPECT_EQ(violated(simulate(plan)), std::nullopt);
}

TEST(SimInvariant, NoTokenFollowsInTimeAndThereWasAFault_IsWell) {
  Plan plan = calm_plan();
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::server_cut});
  const auto broken = violated(simulate(plan, {.each_turn = refuse_after_the_first_token}));
  EXPECT_EQ(broken, Invariant::recovery);
}

TEST(SimInvariant, FleetDoesNotRecover_IsSeen) {
  const auto broken = violated_by([](World& world) { world.fleet.provider.behave(test::Answer::refusal()); });
  EXPECT_EQ(broken, Invariant::recovery);
}

TEST(SimInvariant, AnswersStayHostile_IsSeen) {
  const auto broken = violated_by([](World& world) {
    if (world.since_start() > seconds(20)) world.fleet.provider.behave(test::Answer::hostile("", "60"));
  });
  EXPECT_EQ(broken, Invariant::token_is_there);
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

}  // namespace
}  // namespace jeton::sim
