// The generation that readers see: another one is another token, whatever else was published meanwhile. Over one server
// and over three.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class TokenGeneration : public testing::TestWithParam<std::size_t> {
 protected:
  static FleetSettings settings(std::size_t agents) {
    FleetSettings settings{.agents = agents, .servers = GetParam()};
    settings.refresh.min_interval = milliseconds(10);
    settings.refresh.overlap = minutes(5);
    return settings;
  }
  // Its source keeps a state, such as a rotated refresh token.
  static FleetSettings rotating(std::size_t agents) {
    FleetSettings settings = TokenGeneration::settings(agents);
    agent::OAuth2SourceConfig source;
    source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
    settings.source = source;
    const std::vector<agent::SecretString> keys{agent::Seal::new_key()};
    settings.codec = agent::FleetCodec(std::make_shared<const agent::Seal>(keys));
    return settings;
  }
  static void ask(VirtualFleet& fleet, std::size_t agent) {
    const auto calls = fleet.provider.calls;
    fleet.refresh(agent).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls > calls; }, minutes(1)));
    fleet.pass(seconds(5));
  }
};

TEST_P(TokenGeneration, AnswersBringAStateAndNoToken_IsStillThatOfTheToken) {
  VirtualFleet fleet(rotating(2));
  fleet.provider.rotates = true;
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  ASSERT_TRUE(fleet.all_hold(before));
  fleet.provider.behave(Answer::unusable());
  for (int i = 0; i < 3; ++i) ask(fleet, 0);
  EXPECT_GT(fleet.stored_generation(), before) << "the state was published";
  EXPECT_TRUE(fleet.all_hold(before));
  EXPECT_TRUE(fleet.all([&](const agent::TokenStatus& s) { return s.generation == before; }));
  fleet.crash(1);
  fleet.start(1);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_hold(before)) << "a new run reads the published record";
  fleet.provider.behave({});
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(before); }, minutes(5)));
  EXPECT_EQ(fleet.provider.replays, 0U) << "no state was lost";
  EXPECT_EQ(fleet.went_back(), 0U);
}

// The token is as refused as it was, and the schedule is minutes away.
TEST_P(TokenGeneration, TokenIsRejectedAndTheAnswerBringsAStateOnly_IsAskedForAgain) {
  VirtualFleet fleet(rotating(2));
  fleet.provider.rotates = true;
  fleet.provider.lifetime = hours(24);
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto refused = fleet.segments[0].generation();
  fleet.provider.behave(Answer::unusable(), 2);
  fleet.refresh(0).rejected(refused);
  ASSERT_TRUE(fleet.until([&] { return fleet.all_above(refused); }, minutes(5)));
  EXPECT_EQ(fleet.provider.calls, 4U);
  EXPECT_EQ(fleet.provider.replays, 0U);
}

// The second host has the clock of the servers as it was later, so it dates the token otherwise.
TEST_P(TokenGeneration, ClocksDriftAndAnswerOfAnotherHostBringsAStateOnly_TokenIsStillToBeReplaced) {
  VirtualFleet fleet(rotating(2));
  fleet.provider.rotates = true;
  fleet.provider.lifetime = hours(24);
  fleet.start(0);
  fleet.pass(seconds(5));
  for (std::size_t i = 0; i < fleet.servers(); ++i) fleet.server(i).set_clock_rate(100);
  fleet.pass(minutes(12));
  fleet.start(1);
  fleet.pass(minutes(10));
  const auto refused = fleet.segments[1].generation();
  ASSERT_TRUE(fleet.all_hold(refused));
  fleet.provider.behave(Answer::unusable(), 1);
  fleet.refresh(0).rejected(refused);
  ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() > refused; }, minutes(1)));
  fleet.pass(milliseconds(20));
  EXPECT_EQ(fleet.status(1).last_error, "");
  fleet.crash(0);
  EXPECT_TRUE(fleet.until([&] { return fleet.segments[1].generation() > refused; }, minutes(5)));
}

TEST_P(TokenGeneration, StateCameBeforeAnyToken_IsNone) {
  VirtualFleet fleet(rotating(2));
  fleet.provider.behave(Answer::unusable(), 1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() > 0; }, seconds(20)));
  fleet.pass(milliseconds(50));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_FALSE(fleet.segments[i].record);
    EXPECT_EQ(fleet.status(i).generation, 0U);
    EXPECT_EQ(fleet.status(i).state, agent::TokenState::none);
  }
  fleet.pass(minutes(1));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
}

TEST_P(TokenGeneration, ProviderGivesTheSameTokenAgain_IsTheSameWithTheNewExpiry) {
  VirtualFleet fleet(settings(2));
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.stored_generation();
  const auto expiry = fleet.segments[1].record->expires_at;
  fleet.pass(minutes(1));
  ask(fleet, 0);
  EXPECT_GT(fleet.stored_generation(), before);
  EXPECT_TRUE(fleet.all_hold(before));
  EXPECT_GT(fleet.segments[1].record->expires_at, expiry);
  fleet.pass(hours(1));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_TRUE(fleet.all_hold(before));
  fleet.provider.behave({});
  ask(fleet, 1);
  EXPECT_TRUE(fleet.all_above(before));
  ASSERT_TRUE(fleet.segments[0].record->previous);
  EXPECT_EQ(fleet.segments[0].record->previous->generation, before);
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST_P(TokenGeneration, SameTokenComesAfterItHadRunOut_IsNew) {
  VirtualFleet fleet(settings(1));
  fleet.provider.behave({.value = "the-same-token"}, 1);
  fleet.start(0);
  fleet.pass(seconds(5));
  const auto before = fleet.segments[0].generation();
  fleet.provider.behave(Answer::failure());
  ASSERT_TRUE(fleet.until([&] { return fleet.segments[0].expired; }, hours(1)));
  fleet.provider.behave({.value = "the-same-token"});
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }, hours(1)));
  EXPECT_TRUE(fleet.all_above(before));
}

TEST_P(TokenGeneration, ServersLoseTheirData_IsStillThatOfTheToken) {
  VirtualFleet fleet(settings(2));
  fleet.provider.behave({.value = "the-same-token"});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto before = fleet.segments[0].generation();
  ask(fleet, 0);
  for (std::size_t i = 0; i < fleet.servers(); ++i) fleet.server(i).cli({"FLUSHALL"});
  fleet.pass(minutes(1));
  EXPECT_GT(fleet.stored_generation(), before) << "given back";
  EXPECT_TRUE(fleet.all_hold(before));
  fleet.crash(0);
  fleet.segments[0] = {};  // a reboot
  fleet.start(0);
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_hold(before));
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, TokenGeneration, testing::Values(1, 3),
                         [](const auto& p) { return p.param == 1 ? std::string("redis") : std::string("redlock"); });

// Its provider may have ended the token of before.
TEST(StopInAPublication, RedisDoesNotAnswer_NextRunPublishesTheToken) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet({.agents = 2, .servers = servers});
    fleet.provider.lifetime = std::chrono::hours(24);
    fleet.start_all();
    fleet.pass(seconds(30));
    const auto before = fleet.segments[0].generation();
    fleet.provider.answer_time = seconds(5);
    fleet.refresh(0).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.updater() == 0U; }, seconds(10)));
    for (std::size_t i = 0; i < servers; ++i) fleet.set_fault(i, MemoryNetwork::Fault::silent);
    ASSERT_TRUE(fleet.until([&] { return fleet.status(0).phase == agent::RefreshPhase::publishing; }, seconds(10)));
    fleet.stop_soon(0);
    ASSERT_TRUE(fleet.until([&] { return fleet.has_stopped(0); }, minutes(1)));
    for (std::size_t i = 0; i < servers; ++i)
      fleet.set_fault(i, MemoryNetwork::Fault::refused);  // what was sent is lost
    fleet.pass(seconds(1));
    fleet.start(0);
    fleet.reconnect_all();
    EXPECT_TRUE(fleet.until([&] { return fleet.all_above(before); }, minutes(1)));
    EXPECT_EQ(fleet.provider.calls, 2U);
  }
}

}  // namespace
}  // namespace jeton::test
