// The refresh loops of a fleet when all is well, and when agents, Redis or the provider fail.
#include <gtest/gtest.h>

#include "agent/fleet/redis/redis_scripts.hpp"
#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(FleetRefresh, TokenOfTenMinutes_IsFetchedOncePerLifetime) {
  const unsigned span = 1000;  // minutes
  VirtualFleet fleet({.agents = 20});
  fleet.start_all();
  fleet.pass(minutes(span));
  // It is refreshed 2 minutes and up to 10 s of spread before its end: after 7 min 50 s to 8 minutes.
  EXPECT_GE(fleet.provider.calls, span / 8);
  EXPECT_LE(fleet.provider.calls, 1 + span * 60 / 470);
  EXPECT_EQ(fleet.provider.calls, fleet.provider.issued.size());
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(FleetRefresh, ColdStartOfTheWholeFleet_IsOneFetch) {
  VirtualFleet fleet({.agents = 1000});
  fleet.start_all();
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
}

TEST(FleetRefresh, RestartOfEveryAgentWithinTheLifetime_FetchesNothing) {
  VirtualFleet fleet({.agents = 20});
  fleet.start_all();
  fleet.pass(minutes(1));
  const auto generation = fleet.stored_generation();
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet.stop(i);
  fleet.start_all();
  fleet.pass(minutes(1));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_hold(generation));
}

TEST(FleetRefresh, HostJoinsLater_HasTheTokenWithoutAFetch) {
  VirtualFleet fleet({.agents = 2});
  fleet.start(0);
  fleet.pass(seconds(5));
  fleet.start(1);
  fleet.pass(seconds(1));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
}

TEST(FleetRefresh, UpdaterDiesInMidFetch_IsReplacedWithinOneTtl) {
  VirtualFleet fleet({.agents = 5});
  fleet.provider.answer_time = seconds(5);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.updater().has_value(); }));
  const auto died = fleet.loop.clock.boot_now();
  const std::size_t victim = *fleet.updater();
  fleet.crash(victim);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }));
  EXPECT_LE(fleet.loop.clock.boot_now() - died, seconds(15) + seconds(1));
  fleet.start(victim);
  fleet.pass(minutes(1));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

// A lock of 15 s, a fetch of one minute: without renewal another agent would fetch as well.
TEST(FleetRefresh, FetchLastsLongerThanTheLock_StaysTheOnlyOne) {
  for (const std::size_t servers : {1U, 5U}) {
    SCOPED_TRACE(servers);
    agent::HttpSourceConfig slow;
    slow.egress.timeout = minutes(1);
    VirtualFleet fleet({.agents = 5, .servers = servers, .source = slow});
    fleet.provider.answer_time = minutes(1);
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() != 0; }));
    fleet.pass(seconds(5));
    EXPECT_EQ(fleet.provider.calls, 1U);
    EXPECT_TRUE(fleet.all_valid());
    EXPECT_EQ(fleet.sum(&agent::TokenStatus::publications_refused), 0U);
  }
}

// A slower host is due, its acquisition succeeds, and the record that comes with it is newer than its own: nothing is
// left to fetch.
TEST(FleetRefresh, FasterHostPublishedBeforeTheLockIsWon_FetchesNothing) {
  VirtualFleet fleet({.agents = 2, .refresh = {.grace = minutes(2), .spread = milliseconds(0)}});
  fleet.start_all();
  fleet.pass(seconds(5));
  ASSERT_EQ(fleet.provider.calls, 1U);
  const auto first = fleet.stored_generation();
  // Agent 1 is stopped while agent 0 refreshes. It comes back with the old segment, its look at the record is refused,
  // and it hears no message.
  fleet.stop(1);
  ASSERT_TRUE(fleet.until([&] { return fleet.stored_generation() > first; }));
  ASSERT_EQ(fleet.provider.calls, 2U);
  const auto newer = fleet.stored_generation();
  fleet.stop(0);
  fleet.pass(seconds(5));  // min_interval must not be what keeps it from fetching
  fleet.server().refuse("SUBSCRIBE", "ERR as the test asks");
  fleet.server().refuse("HGET", "ERR as the test asks");
  fleet.start(1);
  ASSERT_TRUE(fleet.until([&] { return fleet.status(1).last_error.find("load") != std::string::npos; }));
  ASSERT_EQ(fleet.segments[1].generation(), first);
  fleet.server().refuse("HGET", "");
  ASSERT_TRUE(fleet.until([&] { return fleet.segments[1].generation() == newer; }));
  EXPECT_EQ(fleet.status(1).lock_attempts, 1U) << "it was to learn of the record by its acquisition";
  fleet.pass(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

// The record's times are those of Redis' clock: it is this host that was wrong before, or is now.
TEST(FleetRefresh, ForwardStepOfTheWallClock_KeepsTheTokenByTheClockOfRedis) {
  VirtualFleet fleet({.agents = 5});
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.step_clocks(hours(1));
  fleet.pass(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 1U);
  fleet.pass(minutes(8));
  EXPECT_EQ(fleet.provider.calls, 2U) << "and refreshes it in its time";
}

TEST(FleetRefresh, ForwardStepThatIsNotAnnounced_IsFoundInTheEnd) {
  VirtualFleet fleet({.agents = 1});
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.loop.virtual_clock().wall_offset = hours(1);
  fleet.pass(minutes(10));
  EXPECT_TRUE(fleet.all_valid());
}

// The others look at the record every second meanwhile, and know from their first attempt how long the lock is held.
TEST(FleetRefresh, FetchLastsHalfAMinute_EachOtherHostAsksForTheLockAFewTimesOnly) {
  agent::HttpSourceConfig slow;
  slow.egress.timeout = minutes(1);
  VirtualFleet fleet({.agents = 20, .source = slow});
  fleet.start_all();
  fleet.pass(seconds(5));
  const auto attempts = fleet.lock_attempts();
  fleet.provider.answer_time = seconds(30);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 2; }, minutes(10)));
  fleet.pass(seconds(1));
  EXPECT_LE(fleet.lock_attempts() - attempts, 1U + 19U * 3U);
  EXPECT_TRUE(fleet.all_hold(fleet.stored_generation()));
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(FleetRefresh, BackwardStepOfTheWallClock_FetchesNothingBeforeItsTime) {
  VirtualFleet fleet({.agents = 5});
  fleet.start_all();
  fleet.pass(minutes(1));
  fleet.step_clocks(-minutes(30));
  fleet.pass(minutes(5));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.went_back(), 0U);
}

// The lock is lost in mid-fetch, another agent publishes, and the first hears of it before its own answer comes: what
// it brings belongs to the older lease and must not replace the newer token.
TEST(FleetRefresh, LeaseLostInMidFetch_DoesNotReplaceTheNewerToken) {
  VirtualFleet fleet({.agents = 5});
  fleet.provider.answer_time = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 1; }));
  fleet.provider.answer_time = milliseconds(200);
  fleet.server().cli({"DEL", "jeton:{api}:updater"});
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 1; }, minutes(1)));
  fleet.pass(seconds(1));
  const auto newer = fleet.stored_generation();
  ASSERT_NE(newer, 0U);
  fleet.pass(minutes(3));
  EXPECT_EQ(fleet.provider.issued.size(), 2U) << "the slow answer did not come";
  EXPECT_EQ(fleet.sum(&agent::TokenStatus::publications_refused), 1U);
  EXPECT_TRUE(fleet.all_hold(newer));
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(FleetRefresh, OneRotation_CostsThreeScriptsAndLosersNone) {
  VirtualFleet fleet({.agents = 5});
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 2; }, hours(1)));
  fleet.pass(seconds(1));         // every script is known by now
  const auto scripts_run = [&] {  // but for the looks that come now and then
    return fleet.server().commands("EVALSHA") - fleet.server().scripts(agent::redis_scripts::load().sha1());
  };
  const auto scripts = scripts_run();
  const auto unknown = fleet.server().commands("EVAL");
  const auto attempts = fleet.lock_attempts();
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.issued.size() == 5; }, hours(1)));
  fleet.pass(seconds(1));
  const auto lost_attempts = fleet.lock_attempts() - attempts - 3;
  EXPECT_EQ(scripts_run() - scripts, 3 * 3 + lost_attempts) << "acquire, admit, publish";
  EXPECT_LE(lost_attempts, 2U * 3U);
  EXPECT_EQ(fleet.server().commands("EVAL"), unknown);
}

// Nothing but the coordinator knows of the fetch before.
TEST(FleetRefresh, TokenIsLostAfterItsFetch_MinIntervalIsKept) {
  VirtualFleet fleet({.agents = 1, .refresh = {.grace = {}, .spread = {}, .min_interval = seconds(30)}});
  fleet.start_all();
  ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
  fleet.crash(0);
  fleet.segments[0] = {};
  fleet.server().cli({"DEL", token_key_of_api});
  fleet.start(0);
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, minutes(2)));
  EXPECT_GE(fleet.provider.asked_at[1] - fleet.provider.asked_at[0], seconds(29));
}

}  // namespace
}  // namespace jeton::test
