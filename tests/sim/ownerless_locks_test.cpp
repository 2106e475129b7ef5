// A lock that outlives its crashed owner for longer than its time to live is seen.
#include "tests/sim/ownerless_locks.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/sim/invariant_fixture.hpp"
#include "tests/support/memory_redis/resp.hpp"

namespace jeton::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto updater_of_api = "jeton:{api}:updater";

// Host 0 has the updater lock, because the provider does not answer it.
class OwnerlessLock : public InvariantFixture {
 protected:
  OwnerlessLock() {
    fleet.server().observe([this](const std::string& key) { locks.key_changed(0, key); });
    fleet.provider.behave(test::Answer::never());
    fleet.start(0);
    pass(seconds(1));
    owner = fleet.server().text(updater_of_api);
  }
  ~OwnerlessLock() override { fleet.server().observe(nullptr); }

  void crash() {
    world.crashed_at[0] = world.now();
    fleet.crash(0);
    pass(seconds(0));
  }
  void pass(Duration duration) {
    static_cast<void>(fleet.until(
        [this] {
          locks.each_turn();
          return false;
        },
        duration));
  }

  OwnerlessLocks locks{world};
  std::string owner;
};

TEST_F(OwnerlessLock, EndsWithItsTimeToLive_IsWell) {
  ASSERT_NE(owner, "");
  crash();
  EXPECT_EQ(fleet.server().text(updater_of_api), owner);
  pass(minutes(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, LastsLonger_IsSeen) {
  crash();
  fleet.server().cli({"PEXPIRE", updater_of_api, "15500"});
  pass(minutes(1));
  EXPECT_EQ(broken(), Invariant::lock_ends);
}

TEST_F(OwnerlessLock, HasNoEnd_IsSeen) {
  crash();
  fleet.server().cli({"PERSIST", updater_of_api});
  pass(minutes(1));
  EXPECT_EQ(broken(), Invariant::lock_ends);
}

TEST_F(OwnerlessLock, AnotherTakesItMeanwhile_IsWell) {
  crash();
  fleet.server().cli({"SET", updater_of_api, "another", "PX", "60000"});
  pass(seconds(30));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, OwnerLives_IsWell) {
  fleet.server().cli({"PERSIST", updater_of_api});
  pass(seconds(4));
  fleet.server().cli({"PERSIST", updater_of_api});
  pass(minutes(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, ClockOfTheServerWasSetBack_IsWell) {
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::server_clock});
  crash();
  fleet.server().cli({"PEXPIRE", updater_of_api, "40000"});
  pass(minutes(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, ClockOfTheServerIsSlow_MayLastALittleLonger) {
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::server_drift});
  crash();
  fleet.server().cli({"PEXPIRE", updater_of_api, "15075"});
  pass(minutes(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, ClockOfTheServerIsSlowAndItLastsMuchLonger_IsSeen) {
  plan.faults.push_back({.at = plan.length, .kind = FaultKind::server_drift});
  crash();
  fleet.server().cli({"PEXPIRE", updater_of_api, "15500"});
  pass(minutes(1));
  EXPECT_EQ(broken(), Invariant::lock_ends);
}

// The owner had closed its connection before: the server still serves what it had sent.
TEST_F(OwnerlessLock, ServerWasFrozenAndTakesItLater_EndsATimeToLiveAfterThat) {
  const auto session = fleet.server().accept([](const std::string&) {}, [] {}, test::VirtualFleet::address(0, 0).host);
  using test::memory_redis::Reply;
  const auto set = Reply::array(
      {Reply::bulk("SET"), Reply::bulk(updater_of_api), Reply::bulk("later"), Reply::bulk("PX"), Reply::bulk("15000")});
  crash();
  pass(seconds(14));
  fleet.server().receive(session, test::memory_redis::to_wire(set));
  pass(minutes(1));
  EXPECT_EQ(broken(), std::nullopt);
}

TEST_F(OwnerlessLock, ApplicationHadALock_EndsWithItsOwnTimeToLive) {
  plan.lock_user_ttl = seconds(3);
  const auto session = fleet.server().accept([](const std::string&) {}, [] {}, test::VirtualFleet::address(0, 0).host);
  using test::memory_redis::Reply;
  const auto set = Reply::array(
      {Reply::bulk("SET"), Reply::bulk("jeton:lock:{job}"), Reply::bulk("me"), Reply::bulk("PX"), Reply::bulk("4000")});
  fleet.server().receive(session, test::memory_redis::to_wire(set));
  crash();
  pass(seconds(10));
  EXPECT_EQ(broken(), Invariant::lock_ends);
}

}  // namespace
}  // namespace jeton::sim
