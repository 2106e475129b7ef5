// The state that a source keeps, such as a rotated refresh token: it is never lost and never used twice, wherever an
// agent or Redis dies. The provider refuses every state but that of its last answer.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class KeptState : public testing::Test {
 protected:
  static FleetSettings settings(std::size_t agents) {
    agent::OAuth2SourceConfig source;
    source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
    FleetSettings settings{.agents = agents};
    settings.source = source;
    settings.refresh.min_interval = milliseconds(10);
    const std::vector<agent::SecretString> keys{agent::Seal::new_key()};
    settings.codec = agent::FleetCodec(std::make_shared<const agent::Seal>(keys));
    return settings;
  }
  static bool refreshed(VirtualFleet& fleet, std::size_t agent) {
    const auto before = fleet.segments[agent].generation();
    fleet.refresh(agent).refresh_now();
    return fleet.until([&] { return fleet.segments[agent].generation() > before; }, minutes(1));
  }
  static void expect_alive(VirtualFleet& fleet, std::size_t agent) {
    EXPECT_TRUE(refreshed(fleet, agent));
    EXPECT_TRUE(refreshed(fleet, agent));
    EXPECT_EQ(fleet.provider.replays, 0U);
  }
};

// The local coordinator gives the record with corrected times and without its state. Found by the simulation.
TEST_F(KeptState, ClockOfASingleHostSteps_ChainGoesOn) {
  for (const auto step : {seconds(2), seconds(-2)}) {
    SCOPED_TRACE(step.count());
    FleetSettings of_one_host = settings(1);
    of_one_host.servers = 0;
    VirtualFleet fleet(of_one_host);
    fleet.provider.rotates = true;
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.step_clocks(step);
    fleet.pass(seconds(5));
    fleet.step_clocks(agent::Milliseconds{0});
    fleet.pass(seconds(5));
    expect_alive(fleet, 0);
  }
}

TEST_F(KeptState, RedisAndSegmentAreLostWhileNoAgentRan_IsReadFromTheDisk) {
  VirtualFleet fleet(settings(1));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_TRUE(refreshed(fleet, 0));
  fleet.crash(0);
  fleet.server().cli({"FLUSHALL"});
  fleet.segments[0] = {};  // a reboot
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
  expect_alive(fleet, 0);
}

// The record with the new state ends the pauses of before.
TEST_F(KeptState, AnswersHaveNoToken_NoOtherHostCallsBeforeThePauseIsKnown) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    FleetSettings of_fleet = settings(4);
    of_fleet.servers = servers;
    VirtualFleet fleet(of_fleet);
    fleet.provider.rotates = true;
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.provider.behave(Answer::unusable());
    fleet.pass(minutes(9));
    fleet.provider.behave({});
    const std::vector<agent::BootTime>& calls = fleet.provider.asked_at;
    ASSERT_GT(calls.size(), 4U);
    for (std::size_t i = 2; i < calls.size(); ++i) EXPECT_GE(calls[i] - calls[i - 1], milliseconds(250)) << i;
    fleet.pass(minutes(3));
    EXPECT_TRUE(fleet.all_valid());
    EXPECT_EQ(fleet.provider.replays, 0U);
  }
}

// Another request would present a state that is spent.
TEST_F(KeptState, AnswerCannotBeReadThatMayHoldIt_NoHostAsksUntilAPersonActs) {
  VirtualFleet fleet(settings(2));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::unread(), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, minutes(1)));
  fleet.pass(std::chrono::hours(1));
  fleet.crash(1);
  fleet.start(1);
  fleet.refresh(1).rejected(fleet.segments[1].generation());
  fleet.pass(std::chrono::hours(1));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_EQ(fleet.provider.replays, 0U);
  fleet.secrets[1] = "another refresh token";
  EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls > 2; }, minutes(1)));
}

// "Until the chain continues": on whichever host.
TEST_F(KeptState, AnotherHostContinuesTheChain_AnswersThatCouldNotBeReadAreRemoved) {
  VirtualFleet fleet(settings(2));
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  const auto answers = [&] {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(fleet.directory(0) / "state")) {
      if (file.path().filename().string().find(".answer-") != std::string::npos) ++count;
    }
    return count;
  };
  fleet.provider.behave(Answer::unread(), 1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return answers() == 1; }, minutes(1)));
  fleet.secrets[1] = "another refresh token";
  fleet.refresh(1).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(before); }, seconds(20)));
  EXPECT_EQ(fleet.segments[0].record->fetched_by, "host-1");
  EXPECT_EQ(answers(), 0U);
}

TEST_F(KeptState, HostIsGone_IsUsedByTheNext) {
  VirtualFleet fleet(settings(2));
  fleet.provider.rotates = true;
  fleet.start(0);
  fleet.pass(seconds(5));
  ASSERT_TRUE(refreshed(fleet, 0));
  fleet.crash(0);
  fleet.start(1);
  fleet.pass(seconds(20));
  expect_alive(fleet, 1);
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
  expect_alive(fleet, 0);
}

// It comes back within the lock's TTL.
TEST_F(KeptState, UpdaterDiesBetweenItsDiskAndThePublication_IsPublishedByItsNextRun) {
  VirtualFleet fleet(settings(2));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.provider.answer_time = seconds(1);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
  fleet.cut_off_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 2; }, seconds(5)));
  fleet.pass(milliseconds(100));
  fleet.crash(0);
  fleet.segments[0] = {};
  fleet.reconnect_all();
  ASSERT_EQ(fleet.stored_generation(), before) << "it was not published";
  fleet.start(0);
  fleet.pass(seconds(20));
  EXPECT_TRUE(fleet.all_above(before));
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
  expect_alive(fleet, 0);
  expect_alive(fleet, 1);
}

// As at an upgrade: the old agent ends when the answer is kept and published, and not before.
TEST_F(KeptState, AgentIsStoppedInAFetch_CompletesItFirst) {
  VirtualFleet fleet(settings(2));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  fleet.provider.answer_time = seconds(20);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.updater() == 0U; }, seconds(5)));
  fleet.pass(seconds(1));
  fleet.stop_soon(0);
  ASSERT_TRUE(fleet.until([&] { return fleet.has_stopped(0); }, minutes(1)));
  EXPECT_EQ(fleet.provider.issued.size(), 2U);
  EXPECT_GT(fleet.stored_generation(), before);
  EXPECT_EQ(fleet.server().cli({"EXISTS", "jeton:{api}:updater"}), "0") << "the lock was not given back";
  fleet.provider.answer_time = milliseconds(200);
  fleet.start(0);
  fleet.pass(seconds(5));
  expect_alive(fleet, 0);
  expect_alive(fleet, 1);
}

// As at a reload, which waits for the old loops: no outage may hold it up. The next loop publishes what came.
TEST_F(KeptState, AgentIsStoppedInAFetchAndRedisIsGone_EndsAndTheNextRunPublishes) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    FleetSettings of_fleet = settings(2);
    of_fleet.servers = servers;
    VirtualFleet fleet(of_fleet);
    fleet.provider.rotates = true;
    fleet.provider.lifetime = std::chrono::hours(24);
    fleet.start_all();
    fleet.pass(seconds(5));
    const auto before = fleet.segments[0].generation();
    fleet.provider.answer_time = seconds(5);
    fleet.refresh(0).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.updater() == 0U; }, seconds(5)));
    fleet.cut_off_all();
    fleet.stop_soon(0);
    ASSERT_TRUE(fleet.until([&] { return fleet.has_stopped(0); }, minutes(1)));
    ASSERT_EQ(fleet.provider.issued.size(), 2U);
    fleet.provider.answer_time = milliseconds(200);
    fleet.start(0);
    fleet.pass(seconds(5));
    fleet.reconnect_all();
    EXPECT_TRUE(fleet.until([&] { return fleet.all_above(before); }, seconds(20)));
    expect_alive(fleet, 0);
    expect_alive(fleet, 1);
  }
}

// The disk is full, and Redis is out of reach: only the loop has the new state.
TEST_F(KeptState, StateIsInMemoryOnlyAndAgentReloads_ChainGoesOn) {
  VirtualFleet fleet(settings(1));
  fleet.provider.rotates = true;
  fleet.provider.lifetime = std::chrono::hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  std::filesystem::create_directories(fleet.directory(0) / "state" / "api.record.new" / "full");
  fleet.provider.answer_time = seconds(5);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.updater() == 0U; }, seconds(5)));
  fleet.cut_off_all();
  fleet.pass(seconds(10));
  ASSERT_EQ(fleet.provider.issued.size(), 2U);
  fleet.provider.answer_time = milliseconds(200);
  fleet.reload(0);
  fleet.pass(seconds(5));
  fleet.reconnect_all();
  expect_alive(fleet, 0);
}

TEST_F(KeptState, RecordIsStored_OutlivesItsTokenInRedis) {
  VirtualFleet fleet(settings(1));
  fleet.start_all();
  fleet.pass(seconds(5));
  EXPECT_GT(std::stoll(fleet.server().cli({"PTTL", "jeton:{api}:token"})), 300LL * 24 * 3600 * 1000);
}

}  // namespace
}  // namespace jeton::test
