#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <set>
#include <sstream>

#include "agent/metrics/metrics.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsPageTest : public testing::Test {
 protected:
  MetricsPageTest() {
    input.status.version = "1.2.3";
    input.status.now = input.status.started_at = loop.clock.wall_now();
    input.status.coordinator.backend = "redis";
    input.status.coordinator.reachable = true;
  }
  TokenStatus& add(const std::string& name) {
    TokenStatus& token = input.status.tokens.emplace_back();
    token.name = name;
    token.state = TokenState::valid;
    token.generation = 1795000000000000;
    token.issued_at = input.status.now - 10min;
    token.expires_at = input.status.now + 50min;
    token.refresh_at = input.status.now + 45min;
    return token;
  }
  // With a hook: `id` is not empty.
  static OutputStatus& add_output(TokenStatus& token, OutputStatus::State state, const std::string& id = "") {
    OutputStatus& output = token.outputs.emplace_back();
    output.path = "/run/x/" + std::to_string(token.outputs.size());
    output.state = state;
    output.writes = 3;
    if (!id.empty()) output.on_change = HookStatus{"reload x.service", false, 5, 2, std::nullopt, "", id};
    return output;
  }
  std::string page(const std::string& accept = "") { return loop.run(metrics_page(loop.timers, input, accept)).text; }
  // The lines without comments.
  static std::vector<std::string> samples(const std::string& text) {
    std::vector<std::string> found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with('#')) found.push_back(line);
    }
    return found;
  }

  test::VirtualLoop loop;
  MetricsInput input;
};

TEST_F(MetricsPageTest, TokenIsValid_TimesAreCountedFromTheScrape) {
  add("wechat");
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_valid{token=\"wechat\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_expires_in_seconds{token=\"wechat\"} 3000\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_refresh_in_seconds{token=\"wechat\"} 2700\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_age_seconds{token=\"wechat\"} 600\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_generation{token=\"wechat\"} 1795000000000000\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_pause_seconds{token=\"wechat\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_tokens{state=\"valid\"} 1\n"));
}

TEST_F(MetricsPageTest, TokenHasExpired_TimeIsNegative) {
  TokenStatus& token = add("wechat");
  token.state = TokenState::expired;
  token.expires_at = input.status.now - 90s;
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_valid{token=\"wechat\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_expires_in_seconds{token=\"wechat\"} -90\n"));
}

TEST_F(MetricsPageTest, ThereHasBeenNoToken_OnlyItsTimesAreMissing) {
  TokenStatus& token = input.status.tokens.emplace_back();
  token.name = "new";
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_valid{token=\"new\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("expires_in_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("age_seconds")));
}

TEST_F(MetricsPageTest, OneTokenHasABudget_OnlyThatOneHasItsSeries) {
  add("unlimited");
  TokenStatus& token = add("wechat");
  token.calls_allowed = 100;
  token.calls_reserved = 20;
  token.calls_used = 130;  // by a host whose configuration allowed more
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_budget_reserved_calls{token=\"wechat\"} 20\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_budget_used_calls{token=\"wechat\"} 130\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_budget_left_calls{token=\"wechat\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("budget_left_calls{token=\"unlimited\"")));
}

TEST_F(MetricsPageTest, TokenIsPaused_TimeLeftIsShown) {
  add("wechat").paused_until = input.status.now + 90s;
  EXPECT_THAT(page(), HasSubstr("\njeton_token_pause_seconds{token=\"wechat\"} 90\n"));
}

TEST_F(MetricsPageTest, OneTokenHasOutputs_OnlyThatOneHasItsSeries) {
  add("without");
  TokenStatus& token = add("wechat");
  add_output(token, OutputStatus::State::written);
  OutputStatus& failing = add_output(token, OutputStatus::State::failing);
  failing.writes = 1;
  failing.failures = 7;
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_failing_outputs{token=\"wechat\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_output_writes_total{token=\"wechat\",outcome=\"success\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_output_writes_total{token=\"wechat\",outcome=\"failed\"} 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("outputs{token=\"without\"")));
  EXPECT_THAT(text, Not(HasSubstr("writes_total{token=\"without\"")));
  EXPECT_THAT(text, Not(HasSubstr("hook"))) << "no output has one";
}

TEST_F(MetricsPageTest, OutputsShareAHook_ItCountsOnce) {
  TokenStatus& token = add("wechat");
  add_output(token, OutputStatus::State::written, "shared");
  add_output(token, OutputStatus::State::written, "shared");
  add_output(token, OutputStatus::State::written, "other").on_change->last_error = "no such unit";
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_token_failing_hooks{token=\"wechat\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_hook_runs_total{token=\"wechat\",outcome=\"success\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_hook_runs_total{token=\"wechat\",outcome=\"failed\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_token_failing_outputs{token=\"wechat\"} 0\n"));
}

TEST_F(MetricsPageTest, RefreshesHaveEnded_AreShownByReasonAndOutcome) {
  input.refreshes.add(RefreshReason::rejected, RefreshOutcome::permanent, 3s);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_refreshes_total{reason=\"rejected\",outcome=\"permanent\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_refreshes_total{reason=\"due\",outcome=\"success\"} 0\n"))
      << "from the start, or the first one would be no increase";
  EXPECT_THAT(text, HasSubstr("\njeton_refresh_duration_seconds_bucket{outcome=\"permanent\",le=\"2.5\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_refresh_duration_seconds_bucket{outcome=\"permanent\",le=\"5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_refresh_duration_seconds_sum{outcome=\"permanent\"} 3\n"));
}

TEST_F(MetricsPageTest, NoRulesForLocksAndNoConnections_TheirFamiliesAreLeftOut) {
  const std::string text = page();
  EXPECT_THAT(text, Not(HasSubstr("jeton_lock")));
  EXPECT_THAT(text, Not(HasSubstr("reconnects")));
  EXPECT_THAT(text, HasSubstr("\njeton_coordinator_up{backend=\"redis\"} 1\n"));
}

TEST_F(MetricsPageTest, LoopWaits_ItsTimersAreCounted) {
  input.timers = 12;
  EXPECT_THAT(page(), HasSubstr("\njeton_timers 12\n"));
}

TEST_F(MetricsPageTest, LocksAreUsed_CountsAreShown) {
  input.status.locks.emplace();
  input.status.locks->sessions = {3, 2};
  input.locks.waits.add(1s);
  input.locks.lost = 7;
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_locks_held 3\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_locks_waiting 2\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_locks_lost_total 7\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_lock_requests_total{outcome=\"acquired\"} 1\n"));
}

TEST_F(MetricsPageTest, ServersWereAsked_RequestsAreShownForEach) {
  ApiTally tally;
  tally.answered("tokens", 403);
  tally.refused();
  input.servers.push_back({"socket", tally, 5});
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\njeton_api_requests_total{server=\"socket\",path=\"tokens\",code=\"403\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_api_connections{server=\"socket\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\njeton_api_connections_refused_total{server=\"socket\"} 1\n"));
}

TEST_F(MetricsPageTest, ErrorQuotesTheProvider_IsNowhereOnThePage) {
  TokenStatus& token = add("wechat");
  token.last_error = "account 4711 is closed";
  token.pause_reason = "account 4711 is closed";
  token.fingerprint = "0badcafe";
  token.attributes["scope"] = "4711";
  OutputStatus& output = add_output(token, OutputStatus::State::failing, "4711");
  output.path = "/run/4711";
  output.last_error = "/run/4711 is a symbolic link";
  output.on_change->action = "run /4711";
  output.on_change->last_error = "4711";
  input.status.coordinator.last_error = "4711";
  EXPECT_THAT(page(), Not(HasSubstr("4711")));
  EXPECT_THAT(page(), Not(HasSubstr("0badcafe")));
}

TEST_F(MetricsPageTest, FormatIsOpenMetrics_HasTheSameSamples) {
  TokenStatus& token = add("wechat");
  token.calls_allowed = 5;
  add_output(token, OutputStatus::State::written, "hook");
  input.status.locks.emplace();
  input.connections.emplace();
  const auto names_and_values = [&](const std::string& accept) {
    std::set<std::string> found;
    for (const std::string& line : samples(page(accept))) {
      if (!line.starts_with("process_")) found.insert(line);
    }
    return found;
  };
  EXPECT_EQ(names_and_values("application/openmetrics-text"), names_and_values("text/plain"));
  const MetricsPage open_metrics = loop.run(metrics_page(loop.timers, input, "application/openmetrics-text"));
  EXPECT_EQ(open_metrics.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open_metrics.text.ends_with("\n# EOF\n"));
}

TEST_F(MetricsPageTest, ThousandTokens_CostASmallFixedNumberOfSeriesEach) {
  const std::size_t without = samples(page()).size();
  EXPECT_LE(without, 200U);
  for (int i = 0; i < 1000; ++i) add("token-" + std::to_string(i)).calls_allowed = 5;
  EXPECT_EQ(samples(page()).size(), without + 19 * 1000);
  for (TokenStatus& token : input.status.tokens) {
    for (int i = 0; i < 10; ++i) add_output(token, OutputStatus::State::written, "hook-" + std::to_string(i));
  }
  EXPECT_EQ(samples(page()).size(), without + 25 * 1000) << "however many outputs and hooks";
}

TEST_F(MetricsPageTest, ThousandTokens_OtherWorkHasItsTurnInBetween) {
  for (int i = 0; i < 1000; ++i) add("token-" + std::to_string(i));
  bool done = false;
  int turns = 0;
  boost::asio::co_spawn(loop.context, metrics_page(loop.timers, input, {}),
                        [&](std::exception_ptr, const MetricsPage&) { done = true; });
  EXPECT_TRUE(loop.turn_until([&] {
    ++turns;
    return done;
  }));
  EXPECT_GE(turns, 5);
}

}  // namespace
}  // namespace jeton::agent
