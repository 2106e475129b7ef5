// What a run has injected and reached is counted, and a campaign names what it never did.
#include "tests/sim/coverage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string_view>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

class CoverageOfFaults : public testing::Test {
 protected:
  // Of two hosts whose first one is down from the 20th to the 40th second.
  CoverageOfFaults() { add(FaultKind::crash, seconds(20), seconds(20)); }

  void add(FaultKind kind, Duration at, Duration length) {
    Fault fault;
    fault.at = at;
    fault.kind = kind;
    fault.length = length;
    fault.number = plan.faults.size();
    plan.faults.push_back(fault);
  }
  void run() { coverage = simulate(plan).coverage; }
  [[nodiscard]] std::uint64_t injected(FaultKind kind) const { return coverage.injected[index(kind)]; }
  [[nodiscard]] std::uint64_t took_effect(FaultKind kind) const { return coverage.took_effect[index(kind)]; }

  Plan plan = calm_plan();
  Coverage coverage;
};

TEST_F(CoverageOfFaults, AgentRuns_CrashTakesEffect) {
  run();
  EXPECT_EQ(injected(FaultKind::crash), 1U);
  EXPECT_EQ(took_effect(FaultKind::crash), 1U);
  EXPECT_EQ(injected(FaultKind::flushed), 0U);
}

TEST_F(CoverageOfFaults, AgentIsDown_OperatorsRefreshTakesNone) {
  add(FaultKind::operator_refresh, seconds(30), seconds(0));
  add(FaultKind::operator_refresh, seconds(60), seconds(0));
  run();
  EXPECT_EQ(injected(FaultKind::operator_refresh), 2U);
  EXPECT_EQ(took_effect(FaultKind::operator_refresh), 1U);
}

TEST_F(CoverageOfFaults, ServerIsEmptyTheSecondTime_OneFlushTakesEffect) {
  add(FaultKind::flushed, seconds(50), seconds(0));
  add(FaultKind::flushed, seconds(50), seconds(0));
  run();
  EXPECT_EQ(injected(FaultKind::flushed), 2U);
  EXPECT_EQ(took_effect(FaultKind::flushed), 1U);
}

TEST_F(CoverageOfFaults, NobodyCallsTheProvider_OutageTakesNone) {
  add(FaultKind::provider_outage, seconds(20), seconds(1));
  run();
  EXPECT_EQ(injected(FaultKind::provider_outage), 1U);
  EXPECT_EQ(took_effect(FaultKind::provider_outage), 0U);
}

TEST_F(CoverageOfFaults, SegmentIsWrittenMeanwhile_FailureTakesEffect) {
  add(FaultKind::segment_fails, seconds(41), seconds(30));
  run();
  EXPECT_EQ(took_effect(FaultKind::segment_fails), 1U);
}

TEST_F(CoverageOfFaults, ScriptsRunMeanwhile_SlownessTakesEffect) {
  add(FaultKind::slow_script, seconds(41), seconds(30));
  run();
  EXPECT_EQ(took_effect(FaultKind::slow_script), 1U);
}

TEST_F(CoverageOfFaults, CallsAreWithinTheRateLimit_ItTakesNone) {
  add(FaultKind::rate_limit, seconds(41), seconds(30));
  run();
  EXPECT_EQ(injected(FaultKind::rate_limit), 1U);
  EXPECT_EQ(took_effect(FaultKind::rate_limit), 0U);
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
