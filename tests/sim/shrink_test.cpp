// What the simulation finds is made small, and the small plan can be run again.
#include "tests/sim/shrink.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/sim/replay.hpp"
#include "tests/sim/runner.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

// Of a seed with many faults of many kinds on several hosts.
Plan busy_plan(std::uint64_t from = 1) {
  for (std::uint64_t seed = from;; ++seed) {
    Plan plan = make_plan(seed);
    const bool busy = plan.hosts > 2 && plan.has(FaultKind::crash) && plan.has(FaultKind::flushed);
    if (busy && plan.faults.size() > 10) return plan;
  }
}

TEST(Shrinking, TwoFaultsAreTheCause_LeavesThese) {
  const auto fails_with_both = [](const Plan& plan) {
    Outcome outcome;
    const bool both = plan.has(FaultKind::crash) && plan.has(FaultKind::flushed);
    if (both) outcome.violation = Violation{Invariant::recovery, plan.length, "both"};
    return outcome;
  };
  const Shrunk shrunk = shrink(busy_plan(), fails_with_both);
  ASSERT_EQ(shrunk.plan.faults.size(), 2U);
  EXPECT_TRUE(shrunk.outcome.violation);
  EXPECT_TRUE(shrunk.plan.has(FaultKind::crash));
  EXPECT_TRUE(shrunk.plan.has(FaultKind::flushed));
}

TEST(Shrinking, OtherInvariantFailsInASmallerPlan_IsNotTaken) {
  const auto fails = [](const Plan& plan) {
    Outcome outcome;
    const Invariant which = plan.has(FaultKind::flushed) ? Invariant::recovery : Invariant::budget;
    outcome.violation = Violation{which, plan.length, ""};
    return outcome;
  };
  const Shrunk shrunk = shrink(busy_plan(), fails);
  ASSERT_EQ(shrunk.plan.faults.size(), 1U);
  EXPECT_EQ(shrunk.outcome.violation->invariant, Invariant::recovery);
}

TEST(Shrinking, Bounded_MakesNoMoreRuns) {
  std::size_t runs = 0;
  const auto fails = [&](const Plan& plan) {
    ++runs;
    Outcome outcome;
    if (plan.faults.size() > 5) outcome.violation = Violation{Invariant::recovery, plan.length, ""};
    return outcome;
  };
  static_cast<void>(shrink(busy_plan(), fails, 7));
  EXPECT_EQ(runs, 7U);
}

// As a defect of the agent would look: a crash of host 0 makes its segment go back.
TEST(Shrinking, RunOfTheFleetFails_IsOneFaultOnOneHostAndCanBeReplayed) {
  const auto broken = [](const Plan& plan) {
    return simulate(plan, {.each_turn = [](World& world) {
                      auto& record = world.fleet.segments[0].record;
                      if (world.crashed_at[0] && record) record->generation = 1;
                    }});
  };
  Plan plan;
  do {  // not every host has a token when it crashes
    plan = busy_plan(plan.seed + 1);
    plan.faults.push_back({plan.length, FaultKind::crash, 0, std::chrono::seconds(1), 0, 0});
  } while (!broken(plan).violation);
  const Shrunk shrunk = shrink(plan, broken, 60);
  ASSERT_TRUE(shrunk.outcome.violation);
  EXPECT_EQ(shrunk.outcome.violation->invariant, Invariant::segment_goes_forward);
  EXPECT_EQ(shrunk.plan.hosts, 1U);
  EXPECT_EQ(shrunk.plan.faults.size(), 1U);
  EXPECT_EQ(broken(shrunk.plan).hash, shrunk.outcome.hash);
  EXPECT_THAT(report(shrunk), testing::HasSubstr("jeton_sim --seed " + std::to_string(plan.seed) + " --hosts 1"));
}

// The first crash, and a flush a while after it.
bool has_both_in_time(const Plan& plan) {
  for (const Fault& crash : plan.faults) {
    for (const Fault& flush : plan.faults) {
      const bool kinds = crash.kind == FaultKind::crash && flush.kind == FaultKind::flushed;
      if (kinds && flush.at >= crash.at + seconds(2) && flush.at + seconds(8) < plan.length) return true;
    }
  }
  return false;
}

TEST(Shrinking, OnlySomeSecondsAreNeeded_LeavesThese) {
  const auto fails_in_time = [](const Plan& plan) {
    Outcome outcome;
    if (has_both_in_time(plan)) outcome.violation = Violation{Invariant::recovery, 2 * plan.length, ""};
    return outcome;
  };
  Plan plan;
  do {
    plan = busy_plan(plan.seed + 1);
  } while (!has_both_in_time(plan));
  const Shrunk shrunk = shrink(plan, fails_in_time, 1000);
  ASSERT_EQ(shrunk.plan.faults.size(), 2U);
  EXPECT_EQ(shrunk.plan.faults[0].at, Duration{0});
  EXPECT_LE(shrunk.plan.faults[1].at, seconds(4));
  EXPECT_LE(shrunk.plan.length, shrunk.plan.faults[1].at + seconds(10));
  EXPECT_TRUE(has_both_in_time(shrunk.plan));
}

TEST(Shrinking, ViolationComesBeforeTheEndOfThePlan_PlanEndsThere) {
  const auto fails_early = [](const Plan& plan) {
    Outcome outcome;
    if (plan.length >= seconds(5)) outcome.violation = Violation{Invariant::budget, seconds(7), ""};
    return outcome;
  };
  const Shrunk shrunk = shrink(busy_plan(), fails_early);
  EXPECT_TRUE(shrunk.plan.faults.empty());
  EXPECT_GE(shrunk.plan.length, seconds(5));
  EXPECT_LE(shrunk.plan.length, seconds(6));
}

TEST(Shrinking, FaultsHoldTheSameServer_DoNotComeToOverlap) {
  Plan plan = make_plan(1);
  plan.faults = {{seconds(10), FaultKind::server_down, 0, seconds(5), 0, 0},
                 {seconds(30), FaultKind::flushed, 0, {}, 0, 1},
                 {seconds(40), FaultKind::server_frozen, 0, seconds(5), 0, 2}};
  const auto fails_with_all = [](const Plan& tried) {
    Outcome outcome;
    if (tried.faults.size() == 3) outcome.violation = Violation{Invariant::recovery, tried.length, ""};
    return outcome;
  };
  const Shrunk shrunk = shrink(plan, fails_with_all);
  ASSERT_EQ(shrunk.plan.faults.size(), 3U);
  EXPECT_LT(shrunk.plan.faults[2].at, seconds(10));
  EXPECT_GT(shrunk.plan.faults[2].at, shrunk.plan.faults[0].at + shrunk.plan.faults[0].length);
}

TEST(Replay, PlanWasMadeSmaller_OptionsMakeItAgain) {
  Plan plan = busy_plan();
  plan.hosts = 2;
  plan.length = seconds(9);
  plan.faults.erase(plan.faults.begin() + 1);
  plan.faults[1].at = seconds(3);
  plan.faults[2].at = seconds(4);
  plan.faults[2].length = seconds(1);
  ReplayOptions options{.seed = plan.seed, .hosts = 2, .length = seconds(9)};
  const std::string text = replay_options(plan);
  options.faults = text.substr(text.find("--faults ") + 9);
  EXPECT_EQ(to_text(plan_of(options)), to_text(plan));
  EXPECT_THAT(text, testing::HasSubstr(" --hosts 2 --length 9000000000 --faults 0,2@3000000000"));
}

TEST(Replay, PlanIsThatOfItsSeed_SeedIsEnough) {
  EXPECT_EQ(replay_options(make_plan(57)), "--seed 57");
  EXPECT_EQ(to_text(plan_of({.seed = 57})), to_text(make_plan(57)));
}

TEST(Replay, NoFaultIsLeft_OptionsSaySo) {
  Plan plan = busy_plan();
  plan.faults.clear();
  EXPECT_THAT(replay_options(plan), testing::EndsWith(" --faults none"));
  EXPECT_TRUE(plan_of({.seed = plan.seed, .faults = "none"}).faults.empty());
}

}  // namespace
}  // namespace jeton::sim
