// The causes that delay a refresh, and the agents' messages about them: each is a row of the table in
// systemd/README.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {
namespace {

using agent::TokenState;
using agent::TokenStatus;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* updater_key = "jeton:{api}:updater";

std::size_t count(const std::string& log, const std::string& text) {
  std::size_t found = 0;
  for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
  return found;
}

bool is_valid(const TokenStatus& status) { return status.state == TokenState::valid; }
bool is_expired(const TokenStatus& status) { return status.state == TokenState::expired; }

TEST(EndlessLock, IsSetByHand_NoHostFetchesAndEachLooksEveryFifteenSecondsAndSaysWhatToDo) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(seconds(5));
  testing::internal::CaptureStderr();
  fleet.server().cli({"SET", updater_key, "by-hand"});
  fleet.pass(minutes(8) + seconds(15));  // it is refreshed after 7 min 50 s to 8 minutes
  const auto attempts = fleet.lock_attempts();
  fleet.pass(minutes(1));
  EXPECT_GE(fleet.lock_attempts() - attempts, 3U * 3U);
  EXPECT_LE(fleet.lock_attempts() - attempts, 3U * 5U);
  EXPECT_TRUE(fleet.all(is_valid));
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.last_error.find("with DEL") != std::string::npos; }))
      << fleet.status(0).last_error;
  fleet.pass(minutes(2));
  EXPECT_TRUE(fleet.all(is_expired));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_EQ(fleet.server().cli({"GET", updater_key}), "by-hand");
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(log, "the updater lock blocks the refresh"), 3U) << "a line of each host: " << log;
  EXPECT_THAT(log, HasSubstr(" error "));

  fleet.server().cli({"DEL", updater_key});
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, seconds(17)));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.last_error.empty(); })) << fleet.status(0).last_error;
}

// Two calls an hour for a token of ten minutes.
class SpentBudget : public testing::Test {
 protected:
  SpentBudget() {
    testing::internal::CaptureStderr();
    fleet.start_all();
    fleet.pass(minutes(19));
    log = testing::internal::GetCapturedStderr();
  }

  VirtualFleet fleet{{.agents = 3, .budget = {.calls = 2, .per = hours(1)}}};
  std::string log;
};

TEST_F(SpentBudget, WindowEnds_FetchesThenAndNotBefore) {
  EXPECT_TRUE(fleet.all(is_expired)) << "readers have the token until then";
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.calls_used == 2 && s.calls_allowed == 2; }));
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.pause_reason == "budget" && s.paused_until; }));
  EXPECT_THAT(log, HasSubstr(" error "));
  EXPECT_GE(count(log, "the budget is spent"), 1U) << log;
  EXPECT_LE(count(log, "the budget is spent"), 3U) << "one line of each host at most: " << log;
  ASSERT_TRUE(fleet.until([&] { return fleet.provider.calls == 3; }, hours(1)));
  EXPECT_GE(fleet.provider.asked_at[2] - fleet.provider.asked_at[0], hours(1));
  EXPECT_LE(fleet.provider.asked_at[2] - fleet.provider.asked_at[0], hours(1) + minutes(1));
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, seconds(2)));
}

// The next fetch, which would count anew, is hours away; no message and no look says that the window has ended.
TEST(WindowOfABudget, EndsAndNothingIsFetched_StatusHasNoCallOfIt) {
  for (const std::size_t servers : {0U, 1U, 3U}) {
    SCOPED_TRACE(servers);
    VirtualFleet fleet({.agents = 1, .servers = servers, .budget = {.calls = 1, .per = hours(1)}});
    fleet.provider.lifetime = hours(24);
    fleet.start(0);
    fleet.pass(minutes(50));
    EXPECT_EQ(fleet.status(0).calls_used, 1U);
    EXPECT_TRUE(fleet.status(0).window_end);
    fleet.pass(minutes(15));
    EXPECT_EQ(fleet.status(0).calls_used, 0U);
    EXPECT_FALSE(fleet.status(0).window_end);
    fleet.stop(0);
    fleet.start(0);
    fleet.pass(minutes(1));
    EXPECT_EQ(fleet.status(0).calls_used, 0U);
    EXPECT_EQ(fleet.provider.calls, 1U);
  }
}

TEST_F(SpentBudget, IsRaisedOnOneHost_FetchesAtOnce) {
  ASSERT_EQ(fleet.provider.calls, 2U);
  fleet.stop(0);
  fleet.set_budget({.calls = 3, .per = hours(1)});
  fleet.start(0);
  EXPECT_TRUE(fleet.until([&] { return fleet.all_valid(); }, seconds(5)));
  EXPECT_EQ(fleet.provider.calls, 3U);
}

TEST(RedisIsDown, ForMinutes_EachHostSaysItOnceAndTriesAgainEveryFewSeconds) {
  VirtualFleet fleet({.agents = 3});
  fleet.start_all();
  fleet.pass(seconds(5));
  testing::internal::CaptureStderr();
  fleet.server().kill();
  fleet.pass(minutes(8) + seconds(10));  // from here on each host wants to fetch
  for (int i = 0; i < 12; ++i) {
    const auto attempts = fleet.lock_attempts();
    fleet.pass(seconds(5));
    EXPECT_GE(fleet.lock_attempts() - attempts, 3U) << "one of each host";
    EXPECT_LE(fleet.lock_attempts() - attempts, 3U * 20U);
  }
  EXPECT_TRUE(fleet.all(is_valid)) << "readers notice nothing";
  EXPECT_TRUE(fleet.all([](const TokenStatus& s) { return s.last_error.find("cannot ") == 0; }))
      << fleet.status(0).last_error;
  EXPECT_EQ(fleet.provider.calls, 1U);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(log, "tokens stay readable, nothing is fetched meanwhile"), 3U) << log;
  fleet.server().restart();
  EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls == 2; }, seconds(5)));
}

agent::RefreshConfig quick_retries() {
  agent::RefreshConfig refresh;
  refresh.min_interval = milliseconds(10);
  refresh.retry_initial = milliseconds(500);
  return refresh;
}

// A report, what the host says at once, and the answer that the provider gives then.
std::string log_of_report(VirtualFleet& fleet) {
  testing::internal::CaptureStderr();
  const auto calls = fleet.provider.calls;
  fleet.refresh(0).rejected(fleet.segments[0].generation());
  fleet.pass(milliseconds(1));
  const std::string said = fleet.status(0).last_error;
  EXPECT_TRUE(fleet.until([&] { return fleet.provider.calls > calls; }, hours(1)));
  fleet.pass(seconds(5));
  return testing::internal::GetCapturedStderr() + "\nlast_error at the report: " + said;
}

TEST(RejectedInARow, NewTokensToo_ErrorFromTheThirdOn) {
  VirtualFleet fleet({.agents = 1, .refresh = quick_retries()});
  fleet.start_all();
  fleet.pass(seconds(5));
  for (int report = 1; report <= 4; ++report) {
    const std::string log = log_of_report(fleet);
    const std::string said = std::to_string(report) + " tokens in a row";
    EXPECT_EQ(count(log, said), report < 3 ? 0U : 2U) << "in the log and in last_error: " << log;
    EXPECT_EQ(count(log, " error "), report < 3 ? 0U : 1U) << log;
  }
}

TEST(RejectedInARow, SameTokenIsGivenAgain_ErrorLineFromTheThirdOn) {
  VirtualFleet fleet({.agents = 1, .refresh = quick_retries()});
  fleet.provider.behave(Answer::same("the-same-token"));
  fleet.start_all();
  fleet.pass(seconds(5));
  for (int report = 1; report <= 4; ++report) {
    const std::string log = log_of_report(fleet);
    EXPECT_EQ(log.find("warning the provider returned the rejected token again") != std::string::npos, report < 3)
        << log;
    EXPECT_EQ(log.find("error the provider returned the rejected token again") != std::string::npos, report >= 3)
        << log;
    EXPECT_THAT(fleet.status(0).last_error, HasSubstr("returned the rejected token again"));
  }
}

}  // namespace
}  // namespace jeton::test
