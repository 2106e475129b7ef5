// What a run has injected and reached is counted, and a campaign names what it never did.
#include "tests/sim/coverage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

using Counts = std::pair<std::uint64_t, std::uint64_t>;  // injected, took effect

// Of faults of one kind that begin at these times, in a fleet of two hosts whose first one is down from the 20th to the
// 40th second.
Counts counts_of(FaultKind kind, std::initializer_list<seconds> times, seconds length = seconds(0)) {
  Plan plan = calm_plan();
  plan.faults.push_back({.at = seconds(20), .kind = FaultKind::crash, .length = seconds(20)});
  for (const seconds at : times) {
    plan.faults.push_back({.at = at, .kind = kind, .length = length, .number = plan.faults.size()});
  }
  const Coverage coverage = simulate(plan).coverage;
  return {coverage.injected[index(kind)], coverage.took_effect[index(kind)]};
}

TEST(CoverageOfFaults, AgentRuns_CrashTakesEffect) {
  EXPECT_EQ(counts_of(FaultKind::crash, {}), Counts(1U, 1U));
  EXPECT_EQ(counts_of(FaultKind::flushed, {}), Counts(0U, 0U));
}

TEST(CoverageOfFaults, AgentIsDown_OperatorsRefreshTakesNone) {
  EXPECT_EQ(counts_of(FaultKind::operator_refresh, {seconds(30), seconds(60)}), Counts(2U, 1U));
}

TEST(CoverageOfFaults, ServerIsEmptyTheSecondTime_OneFlushTakesEffect) {
  EXPECT_EQ(counts_of(FaultKind::flushed, {seconds(50), seconds(50)}), Counts(2U, 1U));
}

TEST(CoverageOfFaults, NobodyCallsTheProvider_OutageTakesNone) {
  EXPECT_EQ(counts_of(FaultKind::provider_outage, {seconds(20)}, seconds(1)), Counts(1U, 0U));
}

TEST(CoverageOfFaults, SegmentIsWrittenMeanwhile_FailureTakesEffect) {
  EXPECT_EQ(counts_of(FaultKind::segment_fails, {seconds(41)}, seconds(30)), Counts(1U, 1U));
}

TEST(CoverageOfFaults, ScriptsRunMeanwhile_SlownessTakesEffect) {
  EXPECT_EQ(counts_of(FaultKind::slow_script, {seconds(41)}, seconds(30)), Counts(1U, 1U));
}

TEST(CoverageOfFaults, CallsAreWithinTheRateLimit_ItTakesNone) {
  EXPECT_EQ(counts_of(FaultKind::rate_limit, {seconds(41)}, seconds(30)), Counts(1U, 0U));
}

TEST(CoverageOfFailpoints, OfARun_HasThoseOfItsBackend) {
#ifndef JETON_FAILPOINTS
  GTEST_SKIP() << "this build has no failpoints";
#endif
  const FailpointCounts reached = simulate(calm_plan()).coverage.reached;
  const auto times = [&](std::string_view name) { return reached.at(index_of_failpoint(name)); };
  EXPECT_GT(times("refresh.fetch"), 1U);
  EXPECT_EQ(times("redis.publish.sending"), times("refresh.fetched"));
  EXPECT_EQ(times("redlock.publish.sending"), 0U);
  EXPECT_EQ(times("segment.publish.filled"), 0U) << "the segment is a model";
}

TEST(CoverageTable, SumOfRuns_HasTheCountsAndNamesWhatNeverHappened) {
  Coverage one;
  one.injected[index(FaultKind::crash)] = 3;
  one.took_effect[index(FaultKind::crash)] = 2;
  one.injected[index(FaultKind::server_down)] = 1;
  one.reached[index_of_failpoint("refresh.fetch")] = 20;
  one.armed[index_of_failpoint("refresh.fetch")] = 4;
  one.killed[index_of_failpoint("refresh.fetch")] = 3;
  Coverage sum;
  sum.add(one);
  sum.add(one);
  std::ostringstream out;
  print(sum, out);
  EXPECT_THAT(out.str(), testing::HasSubstr("| crash of a host | 6 | 4 |\n"));
  EXPECT_THAT(out.str(), testing::HasSubstr("| outage of a server | 2 | 0 |\n"));
  EXPECT_THAT(out.str(), testing::ContainsRegex("never took effect: .*outage of a server"));
  EXPECT_THAT(out.str(), testing::Not(testing::ContainsRegex("never took effect: .*crash")));
#ifdef JETON_FAILPOINTS
  EXPECT_THAT(out.str(), testing::HasSubstr("| refresh.fetch | 40 | 8 | 6 |\n"));
  EXPECT_THAT(out.str(), testing::ContainsRegex("never reached: .*segment.publish.filled"));
#endif
}

}  // namespace
}  // namespace jeton::sim
