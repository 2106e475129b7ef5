// An agent is killed at each failpoint that its backend has, and its next run makes up for it.
#include "tests/sim/failpoint_kills.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/simulation.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Combine;
using testing::Values;

Fault kill_at(const Plan& plan, std::string_view name) {
  Fault fault;
  fault.at = milliseconds(1);
  fault.kind = FaultKind::failpoint_kill;
  fault.length = seconds(60);  // the local backend passes some before it begins, and then at the next token
  while (failpoint_names.at(failpoint_of(plan, fault)) != name) ++fault.amount;
  return fault;
}

class FailpointKill : public testing::TestWithParam<std::tuple<Backend, const char*>> {
 protected:
  void SetUp() override {
#ifndef JETON_FAILPOINTS
    GTEST_SKIP() << "this build has no failpoints";
#endif
  }
};

TEST_P(FailpointKill, OnlyHostPassesIt_IsKilledThereAndItsNextRunHasAToken) {
  const auto& [backend, name] = GetParam();
  Plan plan = calm_plan(backend);
  plan.hosts = 1;
  plan.faults.push_back(kill_at(plan, name));
  const Outcome outcome = simulate(plan);
  EXPECT_EQ(outcome.coverage.armed[index_of_failpoint(name)], 1U);
  EXPECT_EQ(outcome.coverage.killed[index_of_failpoint(name)], 1U);
  EXPECT_EQ(outcome.coverage.took_effect[index(FaultKind::failpoint_kill)], 1U);
  EXPECT_FALSE(outcome.violation) << outcome.violation->text;
}

INSTANTIATE_TEST_SUITE_P(Redis, FailpointKill,
                         Combine(Values(Backend::redis), Values("redis.acquire.sending", "redis.acquire.answered",
                                                                "refresh.fetch", "refresh.fetched", "refresh.kept",
                                                                "redis.publish.sending", "redis.publish.answered")));
INSTANTIATE_TEST_SUITE_P(Redlock, FailpointKill,
                         Combine(Values(Backend::redlock),
                                 Values("redlock.acquire.won", "redlock.admit.read", "redlock.admit.written",
                                        "redlock.publish.sending", "redlock.publish.answered")));
INSTANTIATE_TEST_SUITE_P(Local, FailpointKill,
                         Combine(Values(Backend::local),
                                 Values("local.acquire.locked", "local.acquire.stored", "local.publish.writing",
                                        "local.publish.written", "private_file.written", "private_file.renamed")));

TEST(FailpointKillOfAnother, OtherHostPassesIt_NobodyIsKilled) {
  Plan plan = calm_plan();
  test::VirtualFleet fleet({.agents = 2});
  World world(plan, fleet, nullptr);
  Coverage counts;
  FailpointKills kills(world, counts);
  world.armed[1] = index_of_failpoint("refresh.fetch");
  fleet.start(0);
  static_cast<void>(fleet.until(
      [&] {
        kills.each_turn();
        return false;
      },
      seconds(10)));
#ifdef JETON_FAILPOINTS
  EXPECT_GT(counts.reached[index_of_failpoint("refresh.fetch")], 0U);
#endif
  EXPECT_EQ(counts.killed[index_of_failpoint("refresh.fetch")], 0U);
}

}  // namespace
}  // namespace jeton::sim
