// Agents that stop, crash and start, servers that go and come and forget, a provider with moods: whatever the order, no
// segment goes back, and when all is well again every host has the fleet's token.
#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"
#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

void random_step(VirtualFleet& fleet, SeededRandom& dice) {
  const auto agent = static_cast<std::size_t>(static_cast<double>(fleet.size()) * dice.uniform());
  const auto server = static_cast<std::size_t>(static_cast<double>(fleet.servers()) * dice.uniform());
  const double what = dice.uniform();
  if (what < 0.2) {
    fleet.crash(agent);
    fleet.start(agent);
  } else if (what < 0.4) {
    fleet.stop(agent);
    fleet.start(agent);
  } else if (what < 0.5) {
    fleet.cut_off(server);
  } else if (what < 0.7) {
    fleet.reconnect_all();
  } else if (what < 0.75) {
    fleet.server(server).restart();
  } else if (what < 0.85) {
    fleet.provider.behave(Answer::failure());
  } else {
    fleet.provider.behave({});
  }
}

void expect_a_history_without_a_step_back(std::size_t servers, std::uint64_t seed) {
  SCOPED_TRACE("JETON_TEST_SEED=" + std::to_string(seed));
  VirtualFleet fleet({.agents = 8, .servers = servers, .seed = seed});
  fleet.provider.lifetime = minutes(1);
  fleet.start_all();
  SeededRandom dice(seed ^ 0x5eedU);
  for (int step = 0; step < 60; ++step) {
    random_step(fleet, dice);
    fleet.pass(milliseconds(static_cast<int>(20'000 * dice.uniform())));
    ASSERT_EQ(fleet.went_back(), 0U) << "step " << step;
  }
  fleet.provider.behave({});
  fleet.reconnect_all();
  fleet.pass(minutes(5));
  ASSERT_TRUE(fleet.all_valid());
  ASSERT_TRUE(fleet.all_hold(fleet.segments[0].generation()));
}

TEST(RandomHistory, OnOneServer_NeverGoesBackAndEndsWell) {
  for (std::uint64_t round = 0; round < 20; ++round)
    expect_a_history_without_a_step_back(1, seed_of_the_test() + round);
}

TEST(RandomHistory, OnThreeServers_NeverGoesBackAndEndsWell) {
  for (std::uint64_t round = 0; round < 10; ++round)
    expect_a_history_without_a_step_back(3, seed_of_the_test() + round);
}

}  // namespace
}  // namespace jeton::test
