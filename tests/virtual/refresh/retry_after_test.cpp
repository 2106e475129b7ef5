// A provider asks for a long pause by Retry-After: how much of it is kept, and what ends it.
#include <gtest/gtest.h>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::Duration;
using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Answer endless = Answer::failure(hours(24));

bool is_paused(const TokenStatus& status) { return status.paused_until.has_value(); }

// How long after the call before it.
Duration apart(const VirtualFleet& fleet, std::size_t call) {
  return fleet.provider.asked_at.at(call) - fleet.provider.asked_at.at(call - 1);
}

// The first call of the fleet has no other answer, and every host knows of the pause.
void begin_with_a_pause(VirtualFleet& fleet) {
  fleet.provider.behave(endless, 1);
  fleet.start_all();
  fleet.pass(minutes(1));
  ASSERT_TRUE(fleet.all(is_paused));
}

const FleetSettings may_fetch_alone{
    .agents = 1, .budget = {.calls = 100, .per = hours(24), .alone = 10}, .fetch_alone = minutes(1)};

// Redis is out of reach, and the provider asks the host that fetches alone for the pause.
void fetch_alone_into_a_pause(VirtualFleet& fleet) {
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.cut_off_all();
  fleet.provider.behave(endless);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, minutes(10)));
  fleet.pass(seconds(5));
}

TEST(RetryAfter, IsEndless_IsCutToTheMaximum) {
  VirtualFleet fleet({.agents = 3});
  fleet.provider.behave(endless, 1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }, hours(2)));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_GE(apart(fleet, 1), hours(1));
  EXPECT_LE(apart(fleet, 1), hours(1) + seconds(1));
}

TEST(RetryAfter, MaximumIsZero_IsIgnored) {
  agent::RefreshConfig refresh;
  refresh.retry_after_max = milliseconds(0);
  VirtualFleet fleet({.agents = 1, .refresh = refresh});
  fleet.provider.behave(endless, 1);
  fleet.start_all();
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RetryAfter, TokenWouldRunOutMeanwhile_IsTriedBeforeThat) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.provider.behave(endless, 1);
  for (int i = 0; i < 600; ++i) {
    fleet.pass(seconds(1));
    ASSERT_TRUE(fleet.all_valid());
  }
  EXPECT_EQ(fleet.provider.calls, 3U);
  EXPECT_GE(apart(fleet, 2), minutes(1)) << "it is not pressed either";
}

TEST(RetryAfter, TokenRunsOutAllTheSame_IsTriedMoreAndMoreSlowly) {
  VirtualFleet fleet({.agents = 2});
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.provider.behave(endless);
  fleet.pass(hours(6));
  const std::uint64_t calls = fleet.provider.calls;
  ASSERT_GE(calls, 8U);
  EXPECT_LE(calls, 14U);
  for (std::size_t call = 3; call < calls; ++call) EXPECT_GE(apart(fleet, call), minutes(5)) << call;
  EXPECT_GE(apart(fleet, calls - 1), hours(1));
  fleet.provider.behave({});
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, hours(1) + seconds(2)));
}

TEST(RetryAfter, OperatorAsksForARefreshOnAnyHost_EndsThePause) {
  VirtualFleet fleet({.agents = 3});
  ASSERT_NO_FATAL_FAILURE(begin_with_a_pause(fleet));
  fleet.refresh(2).refresh_now();
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_FALSE(fleet.all(is_paused));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(RetryAfter, OperatorAsksAHostThatHasNotHeardOfThePause_EndsIt) {
  VirtualFleet fleet({.agents = 2});
  fleet.provider.behave(endless, 1);
  fleet.start(0);
  fleet.pass(minutes(1));
  ASSERT_TRUE(is_paused(fleet.status(0)));
  fleet.start(1);
  fleet.refresh(1).refresh_now();
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RetryAfter, OperatorAsksWhileRedisIsGone_EndsThePauseWhenItIsBack) {
  VirtualFleet fleet({.agents = 2});
  ASSERT_NO_FATAL_FAILURE(begin_with_a_pause(fleet));
  fleet.cut_off_all();
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.provider.calls, 1U);
  fleet.reconnect_all();
  fleet.pass(seconds(20));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

// Lifting a pause that cannot be lifted must not keep the host from fetching alone.
TEST(RetryAfter, OperatorAsksInAnOutage_EndsThePauseOfTheHostItself) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  ASSERT_TRUE(is_paused(fleet.status(0)));
  fleet.provider.behave({});
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.provider.calls, 3U);
  EXPECT_GT(fleet.segments[0].record->expires_at, fleet.loop.clock.wall_now() + minutes(9));
}

TEST(RetryAfter, OperatorAsksInAnOutageAndTheProviderRefusesOnceMore_IsObeyed) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(50));
  EXPECT_EQ(fleet.provider.calls, 3U) << "one request, one try";
}

TEST(RetryAfter, RedisIsBackAfterAStandaloneFetch_IsObeyedToItsEnd) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  const auto left = fleet.status(0).paused_until.value() - fleet.loop.clock.wall_now();
  ASSERT_GT(left, seconds(40));
  fleet.reconnect_all();
  fleet.pass(left - seconds(1));
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.provider.behave({});
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(RetryAfter, SourceIsAnotherOneInAnOutage_HostFetchesAloneAgain) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  fleet.secrets[0] = "another URL";
  fleet.provider.behave({});
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

// The pause is in the files of the host, with the request that was refused.
TEST(RetryAfter, SourceIsAnotherOneAfterARestartInAnOutage_HostFetchesAloneAgain) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  fleet.stop(0);
  fleet.start(0);
  fleet.pass(seconds(20));
  ASSERT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(is_paused(fleet.status(0)));
  fleet.secrets[0] = "another URL";
  fleet.provider.behave({});
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

// So its own files never hold a pause that an operator's request would have to end.
TEST(RetryAfter, TokenKeepsAStateInAnOutage_OwnFilesHaveNoPause) {
  agent::OAuth2SourceConfig source;
  source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
  FleetSettings settings = may_fetch_alone;
  settings.source = source;
  VirtualFleet fleet(settings);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.provider.behave(endless);
  fleet.server().kill();
  fleet.pass(minutes(20));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_FALSE(std::filesystem::exists(fleet.directory(0) / "alone")) << "no standalone fetch touched them";
}

TEST(RetryAfter, OperatorAsksInAnOutageAfterARestart_EndsThePauseOfTheHostItself) {
  VirtualFleet fleet(may_fetch_alone);
  ASSERT_NO_FATAL_FAILURE(fetch_alone_into_a_pause(fleet));
  fleet.stop(0);
  fleet.start(0);
  fleet.pass(seconds(20));
  ASSERT_EQ(fleet.provider.calls, 2U) << "a restart alone does not end it";
  fleet.provider.behave({});
  fleet.refresh(0).refresh_now();
  fleet.pass(seconds(20));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(RetryAfter, SourceIsAnotherOne_EndsThePauseForTheFleet) {
  VirtualFleet fleet({.agents = 2});
  ASSERT_NO_FATAL_FAILURE(begin_with_a_pause(fleet));
  fleet.secrets[0] = "another URL";
  fleet.pass(seconds(10));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(RetryAfter, SourceIsAnotherOneAfterARestart_EndsThePause) {
  VirtualFleet fleet({.agents = 1});
  fleet.provider.behave(endless, 1);
  fleet.start(0);
  fleet.pass(minutes(1));
  fleet.stop(0);
  fleet.start(0);
  fleet.pass(minutes(1));
  ASSERT_EQ(fleet.provider.calls, 1U) << "a restart alone does not end it";
  fleet.stop(0);
  fleet.secrets[0] = "another URL";
  fleet.start(0);
  fleet.pass(seconds(10));
  EXPECT_TRUE(fleet.all_valid());
}

// Its pause is for its own request: that another host may send another one does not correct it. That host has a valid
// token, and no reason to send one.
TEST(RetryAfter, AnotherHostHasCorrectedItsSource_RefusedRequestIsNotSentAgain) {
  for (const std::size_t servers : {1U, 3U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet({.agents = 2, .servers = servers});
    fleet.provider.lifetime = hours(24);
    fleet.start_all();
    fleet.pass(seconds(5));
    fleet.provider.behave(endless);
    fleet.refresh(0).refresh_now();
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
    fleet.pass(seconds(5));
    fleet.secrets[1] = "another";
    fleet.pass(minutes(50));
    EXPECT_EQ(fleet.provider.calls, 2U);
    fleet.pass(minutes(11));
    EXPECT_EQ(fleet.provider.calls, 3U);
  }
}

// The provider asks for its pause after that.
TEST(RetryAfter, OperatorAsksInTheFetchAndRedisGoesBeforeItsEnd_IsObeyed) {
  VirtualFleet fleet({.agents = 1});
  fleet.provider.lifetime = hours(48);
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.provider.behave(Answer::failure(minutes(30)), 1);
  fleet.provider.answer_time = seconds(5);
  fleet.refresh(0).refresh_now();
  ASSERT_TRUE(fleet.until([&] { return fleet.updater() == 0U; }, seconds(10)));
  fleet.refresh(0).refresh_now();
  fleet.cut_off_all();
  fleet.pass(minutes(1));
  fleet.reconnect_all();
  fleet.pass(minutes(25));
  EXPECT_EQ(fleet.provider.calls, 2U);
  fleet.pass(minutes(6));
  EXPECT_EQ(fleet.provider.calls, 3U) << "the operator still waits for it";
}

TEST(RetryAfter, HostsHaveDifferentSources_TryOnceEachAndNotInTurns) {
  VirtualFleet fleet({.agents = 2});
  fleet.secrets[1] = "another";
  fleet.provider.behave(endless);
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.start(1);
  fleet.pass(minutes(50));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

}  // namespace
}  // namespace jeton::test
