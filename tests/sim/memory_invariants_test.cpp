// Each thing of which there must not be more and more is made more and more, and the invariant says so.
#include "tests/sim/memory_invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/fleet/redis/client/transport.hpp"
#include "tests/sim/invariant_fixture.hpp"

namespace jeton::sim {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class MemoryOfAFleet : public InvariantFixture {
 protected:
  [[nodiscard]] std::string seen() {
    fleet.pass(seconds(5));
    memory.each_turn();
    return violation_of(Invariant::bounded_memory);
  }

  MemoryInvariants memory{world};
};

TEST_F(MemoryOfAFleet, AgentsRun_IsWell) {
  fleet.start_all();
  EXPECT_EQ(seen(), "");
  EXPECT_GT(memory.most().timers, 0U);
  EXPECT_GT(memory.most().connections, 0U);
  EXPECT_GT(memory.most().keys, 0U);
}

TEST_F(MemoryOfAFleet, TimersPileUpOnOneHost_IsSeen) {
  for (int i = 0; i < 1000; ++i) fleet.timers_of(1).schedule(world.now() + hours(1), [] {});
  EXPECT_THAT(seen(), testing::HasSubstr("host-1 waits for 1000 times"));
}

TEST_F(MemoryOfAFleet, ConnectionsPileUp_IsSeen) {
  fleet.start(0);
  const agent::redis::Address address = test::VirtualFleet::address(0, 0);
  std::vector<std::unique_ptr<agent::redis::Transport>> kept;
  const auto connect = fleet.network.connector();
  for (int i = 0; i < 20; ++i) {
    agent::redis::ConnectAttempt attempt;
    auto connected =
        fleet.loop.run(connect(fleet.loop.timers, address, {}, fleet.loop.clock.boot_now() + seconds(1), attempt));
    kept.push_back(std::move(connected.transport));
  }
  EXPECT_THAT(seen(), testing::ContainsRegex("host-0 has 2. connections to server-0"));
}

TEST_F(MemoryOfAFleet, KeysPileUp_IsSeen) {
  for (int i = 0; i < 20; ++i) fleet.server().cli({"SET", "jeton:{api}:fence:" + std::to_string(i), "1"});
  EXPECT_THAT(seen(), testing::HasSubstr("server-0 has 20 keys"));
}

TEST_F(MemoryOfAFleet, SubscriptionsPileUp_IsSeen) {
  const auto session = fleet.server().accept([](const std::string&) {}, [] {}, test::VirtualFleet::address(0, 0).host);
  for (int i = 0; i < 20; ++i) session->channels.insert("jeton:lock:{job}:released:" + std::to_string(i));
  EXPECT_THAT(seen(), testing::HasSubstr("10.0.0.0 listens to 20 channels"));
}

}  // namespace
}  // namespace jeton::sim
