// Redis has no pause any more: because it lost its data, or because the pause was lifted while a host could not hear
// it.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Answer obeyed_for_an_hour = Answer::failure(hours(24));

bool knows_of_a_pause(const TokenStatus& status) { return status.paused_until.has_value(); }

bool has_pause(VirtualFleet& fleet) {
  for (std::size_t i = 0; i < fleet.servers(); ++i) {
    if (fleet.server(i).cli({"EXISTS", fleet.key("pause")}) == "1") return true;
  }
  return false;
}

void lose_data(VirtualFleet& fleet) {
  for (std::size_t i = 0; i < fleet.servers(); ++i) fleet.server(i).restart();
}

void set_way(VirtualFleet& fleet, std::size_t agent, MemoryNetwork::Fault fault) {
  for (std::size_t i = 0; i < fleet.servers(); ++i) fleet.set_way(agent, i, fault);
}

// One server, and a quorum of three.
struct LostPause : testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Each, LostPause, testing::Values(1U, 3U),
                         [](const auto& servers) { return "servers_" + std::to_string(servers.param); });

// There is neither a valid record nor a count that would tell of the loss.
TEST_P(LostPause, RedisIsRestartedWithoutData_IsWrittenBackAndObeyed) {
  for (const Answer& answer : {obeyed_for_an_hour, Answer::refusal()}) {
    for (const std::size_t agents : {1U, 3U}) {
      SCOPED_TRACE(agents);
      VirtualFleet fleet({.agents = agents, .servers = GetParam()});
      fleet.provider.behave(answer, 1);
      fleet.start_all();
      fleet.pass(minutes(1));
      ASSERT_TRUE(fleet.all(knows_of_a_pause));
      for (int times = 0; times < 3; ++times) {
        lose_data(fleet);
        EXPECT_TRUE(fleet.until([&] { return has_pause(fleet); }, seconds(3)));
        fleet.pass(minutes(1));
      }
      EXPECT_EQ(fleet.provider.calls, 1U);
      EXPECT_TRUE(fleet.all(knows_of_a_pause));
      EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, hours(2))) << "it ends when it would have";
      EXPECT_EQ(fleet.provider.calls, 2U);
    }
  }
}

TEST(LostPauseOfAQuorum, OneServerIsRestartedWithoutData_IsWrittenBackThere) {
  VirtualFleet fleet({.agents = 1, .servers = 3});
  fleet.provider.behave(obeyed_for_an_hour, 1);
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.server(1).restart();
  EXPECT_TRUE(fleet.until([&] { return fleet.server(1).cli({"EXISTS", fleet.key("pause")}) == "1"; }, seconds(3)));
}

// What a host may have missed says whether an operator lifted the pause.
TEST_P(LostPause, OperatorLiftsItWhileAHostIsCutOff_EndsThereAndIsNotWrittenBack) {
  VirtualFleet fleet({.agents = 2, .servers = GetParam()});
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.behave(obeyed_for_an_hour);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  fleet.pass(seconds(5));
  ASSERT_TRUE(knows_of_a_pause(fleet.status(0)));
  set_way(fleet, 0, MemoryNetwork::Fault::refused);
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::never());
  fleet.refresh(1).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 3; }));
  fleet.crash(1);
  fleet.provider.behave({});
  set_way(fleet, 0, MemoryNetwork::Fault::none);
  fleet.pass(seconds(5));
  EXPECT_FALSE(knows_of_a_pause(fleet.status(0)));
  lose_data(fleet);
  fleet.pass(seconds(20));
  EXPECT_FALSE(has_pause(fleet));
  EXPECT_FALSE(knows_of_a_pause(fleet.status(0)));
}

// Two hosts whose requests differ; the provider refused that of the first. The second has a valid token.
class LiftedForAnotherRequest : public testing::TestWithParam<std::size_t> {
 protected:
  LiftedForAnotherRequest() {
    fleet.provider.lifetime = hours(24);
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.provider.behave(obeyed_for_an_hour);
    fleet.refresh(0).refresh_now();
    EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
    fleet.pass(seconds(5));
    EXPECT_TRUE(has_pause(fleet));
  }
  void lift_for_the_second() {
    fleet.secrets[1] = "another";
    EXPECT_TRUE(fleet.until([&] { return !has_pause(fleet); }, seconds(10)));
  }

  VirtualFleet fleet{{.agents = 2, .servers = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(Each, LiftedForAnotherRequest, testing::Values(1U, 3U),
                         [](const auto& servers) { return "servers_" + std::to_string(servers.param); });

TEST_P(LiftedForAnotherRequest, RedisLosesItsData_PauseIsNotWrittenBack) {
  lift_for_the_second();
  lose_data(fleet);
  EXPECT_FALSE(fleet.until([&] { return has_pause(fleet); }, minutes(2)));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST_P(LiftedForAnotherRequest, FirstHostIsCutOffMeanwhile_SendsTheRefusedRequestNotAgain) {
  set_way(fleet, 0, MemoryNetwork::Fault::refused);
  fleet.pass(seconds(5));
  lift_for_the_second();
  set_way(fleet, 0, MemoryNetwork::Fault::none);
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.calls, 2U);
  lose_data(fleet);
  EXPECT_FALSE(fleet.until([&] { return has_pause(fleet); }, minutes(2)));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST_P(LiftedForAnotherRequest, FirstHostReloads_SendsTheRefusedRequestNotAgain) {
  lift_for_the_second();
  fleet.pass(seconds(5));
  fleet.reload(0);
  fleet.pass(minutes(2));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST_P(LiftedForAnotherRequest, OperatorAsksTheSecondHost_EndsOnTheFirstToo) {
  lift_for_the_second();
  fleet.pass(seconds(5));
  ASSERT_TRUE(knows_of_a_pause(fleet.status(0)));
  fleet.provider.behave(Answer::never());
  fleet.refresh(1).refresh_now();
  fleet.pass(seconds(40));
  EXPECT_FALSE(knows_of_a_pause(fleet.status(0))) << "the next look ends it";
}

}  // namespace
}  // namespace jeton::test
