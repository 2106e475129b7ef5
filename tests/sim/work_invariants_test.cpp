// The invariant of work bites, also if one host spins and all others rest.
#include "tests/sim/work_invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/calm_plan.hpp"
#include "tests/sim/invariant_fixture.hpp"
#include "tests/support/memory_redis/resp.hpp"

namespace jeton::sim {
namespace {

using std::chrono::seconds;

Plan plan_of_seven() {
  Plan plan = calm_plan();
  plan.hosts = 7;
  return plan;
}

class WorkOfSevenHosts : public InvariantFixture {
 protected:
  WorkOfSevenHosts() : InvariantFixture(plan_of_seven()) {}

  [[nodiscard]] std::string seen() {
    fleet.pass(seconds(11));
    work.each_turn();
    return violation_of(Invariant::bounded_work);
  }

  WorkInvariants work{world};
};

TEST_F(WorkOfSevenHosts, AgentsRun_IsWell) {
  fleet.start_all();
  EXPECT_EQ(seen(), "");
  EXPECT_GT(work.most().commands, 0U);
  EXPECT_GT(work.most().waits, 0U);
}

TEST_F(WorkOfSevenHosts, LoopSpins_IsSeen) {
  for (int i = 0; i < 30'000; ++i) work.each_turn();
  EXPECT_THAT(seen(), testing::HasSubstr("turns of the loop"));
}

TEST_F(WorkOfSevenHosts, OneWaitsAgainAndAgain_IsSeen) {
  for (int i = 0; i < 6'000; ++i) fleet.timers_of(4).schedule(world.now(), [] {});
  EXPECT_THAT(seen(), testing::HasSubstr("host-4 began to wait 6000 times"));
}

TEST_F(WorkOfSevenHosts, OneSendsManyCommands_IsSeen) {
  fleet.start_all();
  fleet.pass(seconds(1));
  const auto session = fleet.server().accept([](const std::string&) {}, [] {}, test::VirtualFleet::address(5, 0).host);
  using test::memory_redis::Reply;
  const std::string ping = test::memory_redis::to_wire(Reply::array({Reply::bulk("PING")}));
  for (int i = 0; i < 1'100; ++i) fleet.server().receive(session, ping);
  EXPECT_THAT(seen(), testing::HasSubstr(" commands of host-5 to server-0"));
}

}  // namespace
}  // namespace jeton::sim
