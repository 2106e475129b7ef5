// Fleets of more hosts, tokens and lock users than seeds draw, smaller than those of the command (tests/README.md), and
// that their invariants bite: they do not look at all hosts after each turn.
#include "tests/sim/workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/sim/simulation.hpp"
#include "tests/support/effort.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

std::string violation_text(const Outcome& outcome) {
  if (!outcome.violation) return "";
  return std::string(name_of(outcome.violation->invariant)) + ": " + outcome.violation->text;
}

TEST(Workload, HundredsOfAgents_EachTokenIsFetchedOnce) {
  const Outcome outcome = simulate(workload_plan({.agents = test::effort(400U, 40U), .rotations = 2}));
  EXPECT_EQ(violation_text(outcome), "");
  EXPECT_EQ(outcome.calls, 3U) << "the first one, and one at the end of each but the last";
}

TEST(Workload, ManyTokens_EachIsFetchedOnce) {
  const std::size_t tokens = test::effort(40U, 8U);
  const Outcome outcome = simulate(workload_plan({.agents = 3, .tokens = tokens, .rotations = 2}));
  EXPECT_EQ(violation_text(outcome), "");
  EXPECT_EQ(outcome.calls, 3 * tokens);
}

// Each token of a host has a segment of its own.
TEST(Workload, SegmentsAreTheProductionOnes_EachTokenIsFetchedOnce) {
  Plan plan = workload_plan({.agents = 2, .tokens = 3, .rotations = 1});
  plan.real_segments = true;
  const Outcome outcome = simulate(plan);
  EXPECT_EQ(violation_text(outcome), "");
  EXPECT_EQ(outcome.calls, 2U * 3U);
}

TEST(Workload, ManyLockUsers_OneHoldsAtATimeAndEachHasATurn) {
  const std::size_t users = test::effort(100U, 20U);
  EXPECT_EQ(violation_text(simulate(workload_plan({.agents = 5, .lock_users = users, .rotations = 1}))), "");
}

TEST(Workload, SameSize_SameRun) {
  const Workload workload{.agents = 3, .tokens = 3, .lock_users = 3, .rotations = 1};
  EXPECT_EQ(simulate(workload_plan(workload)).hash, simulate(workload_plan(workload)).hash);
}

TEST(Workload, OneOfManyHostsGoesBack_IsSeen) {
  const auto break_one = [](World& world) {
    if (world.since_start() > seconds(20)) world.fleet.segments[17].record->generation = 1;
  };
  const Outcome outcome = simulate(workload_plan({.agents = 20, .rotations = 1}), {.each_turn = break_one});
  EXPECT_THAT(violation_text(outcome), testing::HasSubstr("segment_goes_forward: host-17"));
}

TEST(Workload, RecordOfOneOfManyTokensGoesBack_IsSeen) {
  const auto break_one = [](World& world) {
    if (world.since_start() < seconds(20)) return;
    world.fleet.server().cli({"HSET", "jeton:{api-2}:token", "generation", "5"});
  };
  const Outcome outcome = simulate(workload_plan({.agents = 2, .tokens = 4, .rotations = 1}), {.each_turn = break_one});
  EXPECT_THAT(violation_text(outcome), testing::HasSubstr("server_goes_forward: api-2: server-0"));
}

TEST(Workload, OfNothing_IsRefused) {
  EXPECT_THROW(static_cast<void>(workload_plan({.agents = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(workload_plan({.tokens = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(workload_plan({.rotations = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(workload_plan({.lifetime = seconds(59)})), std::invalid_argument);
}

}  // namespace
}  // namespace jeton::sim
