#include "agent/api/page/status_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/token_condition.hpp"
#include "agent/jwt/digest.hpp"
#include "tests/support/virtual_loop.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* hostile = "<script>alert(1)</script>";
constexpr const char* hostile_as_text = "&lt;script&gt;alert(1)&lt;/script&gt;";

TEST(HtmlText, MarksAndControlCharactersAreInIt_AreNoMarksAnyMore) {
  EXPECT_EQ(html_escaped("a<b>&\"c'\n\x1b"), "a&lt;b&gt;&amp;&quot;c&#39;  ");
  EXPECT_EQ(html_attribute("title", "\" onload=\"x"), " title=\"&quot; onload=&quot;x\"");
  EXPECT_EQ(html_escaped("ä…"), "ä…");
}

TEST(HtmlText, TimeIsRelative_HasTheTwoLargestUnits) {
  EXPECT_EQ(duration_words(Milliseconds(999)), "0 s");
  EXPECT_EQ(duration_words(seconds(59)), "59 s");
  EXPECT_EQ(duration_words(minutes(10)), "10 min");
  EXPECT_EQ(duration_words(hours(1) + minutes(50) + seconds(9)), "1 h 50 min");
  EXPECT_EQ(duration_words(hours(76) + minutes(1)), "3 d 4 h");
  EXPECT_EQ(duration_words(-minutes(2)), "2 min");
  const WallTime now = from_unix_ms(1'800'000'000'000);
  EXPECT_EQ(relative_words(now + seconds(90), now), "in 1 min 30 s");
  EXPECT_EQ(relative_words(now - seconds(90), now), "1 min 30 s ago");
  EXPECT_EQ(relative_words(now + Milliseconds(300), now), "now");
  EXPECT_THAT(html_time(now, now), HasSubstr("datetime=\"2027-01-15T08:00:00Z\""));
}

class StatusPage : public ::testing::Test {
 protected:
  std::string page() {
    return loop.run(
        status_page(loop.timers, status, std::make_shared<const AgentStatus>(status.agent_status()), "4711-1"));
  }
  WallTime now() { return loop.clock.wall_now(); }

  test::VirtualLoop loop;
  test::FakeStatus status{loop.timers};
};

TEST_F(StatusPage, TextsFromOutsideAreScripts_AreShownAsText) {
  TokenStatus& token = status.add("wechat");
  token.last_error = token.pause_reason = token.source = token.fetched_by = token.type = hostile;
  token.lock_holder = "<i>";
  token.last_error_at = now();
  token.paused_until = now() + minutes(1);
  status.agent().coordinator.reachable = false;
  status.agent().coordinator.last_error = status.agent().coordinator.endpoint = hostile;
  status.agent().host = status.agent().version = hostile;
  HistoryEvent event;
  event.at = now();
  event.event = event.host = event.text = hostile;
  status.histories["wechat"].note(event);

  const std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("alert(1)<")));
  EXPECT_THAT(html, Not(HasSubstr("<i>")));
  std::size_t shown = 0;
  for (std::size_t at = html.find(hostile_as_text); at != std::string::npos; at = html.find(hostile_as_text, at + 1)) {
    ++shown;
  }
  EXPECT_GE(shown, 12U);
}

TEST_F(StatusPage, NameLooksLikeAPlaceOfThePage_IsANameStill) {
  status.agent().host = "{{rows}}";
  EXPECT_THAT(page(), HasSubstr("<title>jeton on {{rows}}</title>"));
}

TEST_F(StatusPage, TokenHasAttributesAndAFingerprint_NeitherIsShown) {
  TokenStatus& token = status.add("wechat");
  token.attributes["account"] = "acct-4711";
  token.lock_holder = "0123456789abcdef";
  const std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("acct-4711")));
  EXPECT_THAT(html, Not(HasSubstr(token.fingerprint)));
  EXPECT_THAT(html, HasSubstr("owner 01234567…"));
  EXPECT_THAT(html, Not(HasSubstr("0123456789"))) << "the whole owner id releases the lock";
}

TEST_F(StatusPage, TokensDiffer_TheWorstComesFirst) {
  status.add("a-valid");
  status.add("b-paused-later").paused_until = now() + minutes(1);
  TokenStatus& failing = status.add("c-failing");
  failing.last_error = "the provider answered 500";
  status.add("d-rejected").rejected = true;
  status.add("e-expired").state = TokenState::expired;
  const std::string html = page();
  std::size_t before = 0;
  for (const char* name : {"e-expired", "d-rejected", "c-failing", "a-valid", "b-paused-later"}) {
    const std::size_t at = html.find("data-name=\"" + std::string(name) + '"');
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(at, before) << name;
    before = at;
  }
  EXPECT_THAT(html, HasSubstr("4 of 5 valid"));
  EXPECT_THAT(html, HasSubstr("3 to look at"));
}

TEST_F(StatusPage, TokenIsInEachCondition_HasItsWord) {
  TokenStatus token = status.add("t");
  EXPECT_EQ(condition_of(token, now()).word, "valid");
  EXPECT_EQ(condition_of(token, *token.refresh_at).word, "refreshing");
  token.paused_until = *token.expires_at;
  EXPECT_EQ(condition_of(token, *token.refresh_at).word, "paused");
  EXPECT_EQ(condition_of(token, now()).word, "valid") << "before the refresh is due a pause is no trouble";
  token.paused_until.reset();
  token.phase = RefreshPhase::fetching;
  EXPECT_EQ(condition_of(token, now()).word, "refreshing");
  token.state = TokenState::none;
  EXPECT_EQ(condition_of(token, now()).word, "starting");
  token.last_error = "x";
  EXPECT_EQ(condition_of(token, now()).word, "no token");
}

TEST_F(StatusPage, OutputCannotBeWrittenOrFollowed_TokenFailsAndTheErrorIsShown) {
  TokenStatus& token = status.add("wechat");
  OutputStatus& output = token.outputs.emplace_back();
  output.path = "/etc/app/token";
  output.state = OutputStatus::State::written;
  EXPECT_EQ(condition_of(token, now()).word, "valid");
  EXPECT_THAT(row_of(status, token, now()), HasSubstr("<dt>Output</dt><dd>/etc/app/token: written</dd>"));
  output.on_change.emplace();
  output.on_change->action = "reload app.service";
  output.on_change->last_error = "exit status 1";
  EXPECT_EQ(condition_of(token, now()).word, "failing");
  EXPECT_EQ(trouble_of(token), "/etc/app/token: reload app.service: exit status 1");
  output.state = OutputStatus::State::failing;
  output.last_error = hostile;
  EXPECT_EQ(trouble_of(token), std::string("/etc/app/token: ") + hostile);
  EXPECT_THAT(row_of(status, token, now()), HasSubstr(std::string(">/etc/app/token: ") + hostile_as_text + "</p>"));
}

TEST_F(StatusPage, ThousandTokensAreShown_LoopHasItsTurnsBetween) {
  for (int i = 0; i < 1000; ++i) status.add("token-" + std::to_string(i));
  const AgentStatus all = status.agent_status();
  std::vector<const TokenStatus*> tokens;
  for (const TokenStatus& token : all.tokens) tokens.push_back(&token);
  int rows = 0;
  int rows_before_the_turn = 0;
  const auto form = [&](const std::string& row) {
    if (++rows == 1) loop.timers.schedule(loop.clock.boot_now(), [&] { rows_before_the_turn = rows; });
    return row;
  };
  loop.run(rows_text(loop.timers, status, tokens, now(), form));
  EXPECT_EQ(rows, 1000);
  EXPECT_GT(rows_before_the_turn, 0);
  EXPECT_LT(rows_before_the_turn, 100);
}

// Without "unsafe-inline" a browser applies neither a style attribute nor an event attribute.
TEST_F(StatusPage, PolicyIsStrict_PageNeedsNothingThatItForbids) {
  TokenStatus& token = status.add("wechat");
  token.calls_allowed = 100;
  token.last_error = "x";
  const std::string html = page();
  const auto source_of_element = [&](const std::string& name) {
    const std::size_t begin = html.find('<' + name + '>') + name.size() + 2;
    const std::string text = html.substr(begin, html.find("</" + name + '>', begin) - begin);
    EXPECT_GT(text.size(), 1000U) << name;
    return "-src 'sha256-" + std::string(base64_encoded(digest_of(Digest::sha256, text).reveal()).reveal()) + "';";
  };
  EXPECT_THAT(page_policy(), HasSubstr("style" + source_of_element("style")));
  EXPECT_THAT(page_policy(), HasSubstr("script" + source_of_element("script")));
  EXPECT_THAT(page_policy(), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page_policy(), HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(page_policy(), Not(HasSubstr("unsafe")));
  const std::string body = html.substr(html.find("<body"), html.find("<script>") - html.find("<body"));
  EXPECT_FALSE(std::regex_search(body, std::regex(R"(<[^>]* (style|on\w+)=)")));
  EXPECT_FALSE(std::regex_search(html, std::regex(R"((src|href)="(https?:)?//)"))) << "it asks no other server";
}

TEST_F(StatusPage, TokenHasABudgetAndALock_RowSaysWhoAndHowMuch) {
  TokenStatus& token = status.add("wechat");
  token.calls_allowed = 100;
  token.calls_used = 30;
  token.window_end = now() + minutes(5);
  token.holds_lock = true;
  const std::string row = row_of(status, token, now());
  EXPECT_THAT(row, HasSubstr("70 of 100 left"));
  EXPECT_THAT(row, HasSubstr("this host"));
  EXPECT_THAT(row, HasSubstr("fetched by host-2"));
  EXPECT_THAT(row, HasSubstr("in 1 h 50 min"));
}

}  // namespace
}  // namespace jeton::agent
