// The wall clock of a host is stepped: no token lasts longer than its lifetime by the boot clock, in the agent and
// after its restart, whatever of the host's files is left to it.
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::Milliseconds;
using agent::TokenState;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Milliseconds day = hours(24);
constexpr Milliseconds ten_years = 3652 * day;

struct Case {
  const char* name;
  std::vector<Milliseconds> steps;  // one after the other, each from the time of the beginning
};

class ClockStepOfHost : public testing::TestWithParam<Case> {
 protected:
  static FleetSettings settings(std::size_t servers) { return {.agents = 1, .servers = servers}; }

  // A token of a minute, and no other behind it.
  static void fetch_the_only_token(VirtualFleet& fleet) {
    fleet.provider.lifetime = seconds(60);
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.status(0).state == TokenState::valid; }));
    fleet.provider.behave(Answer::failure());
  }
  static void step(VirtualFleet& fleet) {
    for (const Milliseconds offset : GetParam().steps) {
      fleet.step_clocks(offset);
      fleet.pass(seconds(1));
    }
  }
  // As readers see it: by the segment, and by the status.
  static bool is_valid(const VirtualFleet& fleet) {
    const ModelSegment& segment = fleet.segments[0];
    const bool readable = segment.record && !segment.expired && segment.record->valid(fleet.loop.clock);
    EXPECT_EQ(readable, fleet.status(0).state == TokenState::valid);
    return readable;
  }
  static void expect_no_more_than_a_minute_left(const VirtualFleet& fleet) {
    const auto status = fleet.status(0);
    if (status.expires_at) {
      EXPECT_LE(*status.expires_at - fleet.loop.clock.wall_now(), seconds(60));
    }
  }
};

TEST_P(ClockStepOfHost, AgentRunsMeanwhile_TokenEndsWithItsLifetime) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet(settings(servers));
    fetch_the_only_token(fleet);
    if (servers > 0) fleet.cut_off_all();
    step(fleet);
    expect_no_more_than_a_minute_left(fleet);
    fleet.pass(seconds(61));
    EXPECT_FALSE(is_valid(fleet));
  }
}

TEST_P(ClockStepOfHost, AgentIsRestartedBehindTheStep_TokenEndsWithItsLifetime) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet(settings(servers));
    fetch_the_only_token(fleet);
    if (servers > 0) fleet.cut_off_all();
    step(fleet);
    fleet.crash(0);
    fleet.start(0);
    fleet.pass(seconds(1));
    expect_no_more_than_a_minute_left(fleet);
    fleet.pass(seconds(61));
    EXPECT_FALSE(is_valid(fleet));
  }
}

TEST_P(ClockStepOfHost, NoAgentRunsMeanwhile_TokenEndsWithItsLifetime) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet(settings(servers));
    fetch_the_only_token(fleet);
    if (servers > 0) fleet.cut_off_all();
    fleet.crash(0);
    step(fleet);
    fleet.start(0);
    fleet.pass(seconds(1));
    expect_no_more_than_a_minute_left(fleet);
    fleet.pass(seconds(61));
    EXPECT_FALSE(is_valid(fleet));
  }
}

TEST_P(ClockStepOfHost, StateOfTheLocalCoordinatorAloneIsLeft_TokenEndsWithItsLifetime) {
  VirtualFleet fleet(settings(0));
  fetch_the_only_token(fleet);
  fleet.crash(0);
  fleet.segments[0] = {};
  step(fleet);
  fleet.start(0);
  fleet.pass(seconds(61));
  EXPECT_FALSE(is_valid(fleet));
}

TEST_P(ClockStepOfHost, RecordFileAloneIsLeft_TokenEndsWithItsLifetime) {
  agent::OAuth2SourceConfig source;
  source.grant = agent::OAuth2SourceConfig::Grant::refresh_token;
  FleetSettings with_state = settings(0);
  with_state.source = source;
  VirtualFleet fleet(with_state);
  fetch_the_only_token(fleet);
  fleet.crash(0);
  fleet.segments[0] = {};
  std::filesystem::remove_all(fleet.directory(0) / "coordination");
  step(fleet);
  fleet.start(0);
  fleet.pass(seconds(61));
  EXPECT_FALSE(is_valid(fleet));
}

// The agent is loaded with the record of Redis again, whose own clock did not move.
TEST_P(ClockStepOfHost, RedisAnswers_TokenEndsWithItsLifetime) {
  VirtualFleet fleet(settings(1));
  fetch_the_only_token(fleet);
  step(fleet);
  fleet.crash(0);
  fleet.start(0);
  fleet.pass(seconds(1));
  expect_no_more_than_a_minute_left(fleet);
  fleet.pass(seconds(61));
  EXPECT_FALSE(is_valid(fleet));
}

TEST_P(ClockStepOfHost, ProviderIsWell_TokenIsRefreshedAsBefore) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet(settings(servers));
    fleet.provider.lifetime = seconds(60);
    fleet.start_all();
    fleet.pass(seconds(5));
    step(fleet);
    const auto calls = fleet.provider.calls;
    for (int second = 0; second < 300; ++second) {
      fleet.pass(seconds(1));
      ASSERT_TRUE(is_valid(fleet)) << second;
    }
    EXPECT_GE(fleet.provider.calls - calls, 5U);
    EXPECT_LE(fleet.provider.calls - calls, 8U);
  }
}

TEST_P(ClockStepOfHost, NobodyTellsTheAgent_TokenEndsWithItsLifetime) {
  VirtualFleet fleet(settings(0));
  fetch_the_only_token(fleet);
  for (const Milliseconds offset : GetParam().steps) {
    fleet.loop.virtual_clock().wall_offset = offset;
    fleet.pass(seconds(1));
  }
  fleet.pass(seconds(61));
  EXPECT_FALSE(is_valid(fleet));
}

// As a file does that nobody writes anew, and a server that caches its answer: by its date the token is valid again.
TEST_P(ClockStepOfHost, SourceGivesTheSameTokenWithItsDate_TokenEndsWithItsLifetime) {
  for (const std::size_t servers : {0U, 1U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet(settings(servers));
    fleet.provider.dated_end = fleet.loop.clock.wall_now() + seconds(60);
    fleet.provider.behave(Answer::same("the-only-token"));
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.status(0).state == TokenState::valid; }));
    step(fleet);
    fleet.pass(seconds(61));
    for (int second = 0; second < 120; ++second) {
      fleet.pass(seconds(1));
      ASSERT_FALSE(is_valid(fleet)) << second;
    }
    EXPECT_NE(fleet.status(0).last_error, "");
    fleet.provider.dated_end.reset();
    fleet.provider.behave({});
    fleet.pass(seconds(120));
    EXPECT_TRUE(is_valid(fleet)) << "a new token was not taken";
  }
}

// Nothing of the agent has run since: no timer has said that the token is over, and nobody that the clock was set.
TEST(ClockStep, IsNotNoticedYet_TokenIsOverByTheBootClock) {
  VirtualFleet fleet({.agents = 1, .servers = 0});
  fleet.provider.lifetime = seconds(60);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.refresh(0).value().has_value(); }));
  VirtualClock& clock = fleet.loop.virtual_clock();
  clock.wall_offset = -day;
  clock.now += seconds(60);
  const bool is_given = fleet.refresh(0).value().has_value();
  clock.wall_offset = Milliseconds{0};
  EXPECT_FALSE(is_given);
}

// The retry of the old loop ends with it, and the new one has the right times already.
TEST(ClockStep, SegmentCannotBeCorrectedAndTheTokenIsReloaded_IsCorrectedSoon) {
  VirtualFleet fleet({.agents = 1});
  fleet.provider.lifetime = hours(1);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.segments[0].failing_writes = 1;
  fleet.step_clocks(-hours(24));
  ASSERT_EQ(fleet.segments[0].failing_writes, 0);
  fleet.reload(0);
  fleet.pass(seconds(10));
  EXPECT_LE(fleet.segments[0].record->expires_at - fleet.clock_of(0).wall_now(), hours(1));
}

// A provider that lets the same token live on gives it a later date.
TEST(ClockStepAndALaterDate, SameTokenIsGivenAnother_LivesOn) {
  VirtualFleet fleet({.agents = 1, .servers = 0});
  fleet.provider.dated_end = fleet.loop.clock.wall_now() + seconds(60);
  fleet.provider.behave(Answer::same("the-only-token"));
  fleet.start_all();
  fleet.pass(seconds(2));
  fleet.step_clocks(-day);
  fleet.provider.dated_end = *fleet.provider.dated_end + seconds(600);
  fleet.pass(seconds(300));
  EXPECT_EQ(fleet.status(0).state, TokenState::valid);
  fleet.pass(seconds(400));
  EXPECT_NE(fleet.status(0).state, TokenState::valid);
}

INSTANTIATE_TEST_SUITE_P(Steps, ClockStepOfHost,
                         testing::Values(Case{"day_back", {-day}}, Case{"ten_years_back", {-ten_years}},
                                         Case{"ten_years_forth", {ten_years}},
                                         Case{"ten_years_forth_and_back", {ten_years, Milliseconds{0}}},
                                         Case{"day_back_again_and_again", {-day, -2 * day, -3 * day}}),
                         [](const auto& tested) { return tested.param.name; });

// The step comes while the provider is being asked: the answer is as old as it is.
TEST(ClockStepInAFetch, DayBack_TokenIsServedForItsLifetime) {
  VirtualFleet fleet({.agents = 1, .servers = 0});
  fleet.provider.lifetime = seconds(60);
  fleet.provider.answer_time = seconds(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 1; }));
  fleet.step_clocks(-day);
  fleet.pass(seconds(3));
  EXPECT_EQ(fleet.status(0).state, TokenState::valid);
  EXPECT_EQ(fleet.provider.calls, 1U);
  fleet.provider.behave(Answer::failure());
  fleet.pass(seconds(62));
  EXPECT_NE(fleet.status(0).state, TokenState::valid);
}

// The source has dated the token by a clock that is set right while the host is stopped. Found by the simulation.
TEST(ClockStepInAFetch, HostIsStoppedBehindTheAnswer_TokenLastsForItsLifetimeFromTheRequest) {
  for (const auto& [before, after] : {std::pair(3 * day, Milliseconds{0}), std::pair(Milliseconds{0}, 3 * day)}) {
    SCOPED_TRACE(after.count());
    VirtualFleet fleet({.agents = 1, .servers = 0});
    fleet.provider.lifetime = seconds(60);
    fleet.step_clock(0, before);
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 1; }));
    fleet.pause(0);
    fleet.pass(seconds(10));
    fleet.step_clock(0, after);
    fleet.go_on(0);
    fleet.pass(seconds(1));
    EXPECT_EQ(fleet.status(0).state, TokenState::valid);
    EXPECT_EQ(fleet.provider.calls, 1U);
    fleet.provider.behave(Answer::failure());
    fleet.pass(seconds(47));
    EXPECT_EQ(fleet.status(0).state, TokenState::valid);
    fleet.pass(seconds(4));
    EXPECT_NE(fleet.status(0).state, TokenState::valid);
  }
}

}  // namespace
}  // namespace jeton::test
