// A provider that misbehaves, seen by a whole agent: a clear state and log line, the old token kept, no hot loop, and
// recovery by itself.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"
#include "tests/support/network_process.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string answer_with(const std::string& token, const std::string& expires_in) {
  return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" + expires_in + "}";
}

struct Fault {
  std::string name;
  Behaviour behaviour;
  std::string said;    // a part of the text in log and status
  bool waits = false;  // until the source gives up
};

std::string http_date_in(seconds from_now) {
  const std::time_t t = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
  std::tm utc{};
  ::gmtime_r(&t, &utc);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text;
}

std::vector<Fault> faults() {
  const std::string long_token(9000, 'x');
  return {
      {"Status500", Behaviour::failure(500), "500"},
      {"TooManyRequestsWithSeconds", Behaviour::pause(429, "1"), "429"},
      {"TooManyRequestsWithDate", Behaviour::pause(429, http_date_in(seconds(2))), "429"},
      {"Unauthorized", Behaviour::failure(401), "401"},
      {"Hang", Behaviour::only(Behaviour::Kind::hang), "answer", true},
      {"TruncatedBody", Behaviour::only(Behaviour::Kind::truncated), ""},
      {"HugeBody", Behaviour::only(Behaviour::Kind::huge_length), "max_body"},
      {"HugeChunkedBody", Behaviour::only(Behaviour::Kind::huge_chunked), "max_body"},
      {"InvalidJson", Behaviour::text("<html>welcome</html>"), "JSON"},
      {"MissingExpiry", Behaviour::text(R"({"access_token":"abc"})"), "expires_in"},
      {"NonNumericExpiry", Behaviour::text(answer_with("abc", "\"soon\"")), "expires_in"},
      {"ZeroExpiry", Behaviour::text(answer_with("abc", "0")), "expires_in"},
      {"NegativeExpiry", Behaviour::text(answer_with("abc", "-5")), "expires_in"},
      {"EnormousExpiry", Behaviour::text(answer_with("abc", "1e30")), "expires_in"},
      {"EmptyToken", Behaviour::text(answer_with("", "60")), "access_token"},
      {"TokenWithNul", Behaviour::text(answer_with("ab\\u0000c", "60")), "access_token"},
      {"TokenWithNewline", Behaviour::text(answer_with("ab\\nc", "60")), "access_token"},
      {"TokenAboveCapacity", Behaviour::text(answer_with(long_token, "60")), "capacity"},
  };
}

class ProviderFault : public testing::TestWithParam<Fault> {};

TEST_P(ProviderFault, AnswerIsFaulty_TokenIsKeptCallsArePacedAndAgentRecovers) {
  const Fault& fault = GetParam();
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess agent({.token_url = provider.url(),
                      .refresh = "{min_interval: 1s, retry: {initial: 1s, max: 2s, permanent: 2s}}",
                      .source_extra = fault.waits ? "      timeout: 1s\n" : ""});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto generation = agent.generation();
  const auto calls_before = provider.counts().requests;
  provider.behave(fault.behaviour);
  const auto begin = std::chrono::steady_clock::now();
  // The token lives long, so that no failure is ever so late that it has run out.
  ASSERT_EQ(unix_http_post(agent.runtime_dir() / "agent.sock", "/v1/tokens/api/refresh", "").status, 202);

  nlohmann::json status;
  const auto pauses_after = [&](unsigned failures) {
    status = agent.token();
    return status.is_object() && status["counters"]["consecutive_failures"] >= failures && status["pause"].is_object();
  };
  ASSERT_TRUE(eventually([&] { return pauses_after(1); })) << agent.log();
  EXPECT_EQ(status["state"], "valid");
  EXPECT_EQ(status["generation"], generation) << "the old token was given up";
  ASSERT_TRUE(status["last_error"].is_object());
  EXPECT_NE(status["last_error"]["message"].get<std::string>().find(fault.said), std::string::npos)
      << status["last_error"] << " does not mention " << fault.said;
  EXPECT_TRUE(agent.logs("fetch failed"));

  // The calls are as many as the failures, give or take the one under way, and min_interval is between two of them.
  ASSERT_TRUE(eventually([&] { return pauses_after(2); })) << agent.log();
  const auto calls = provider.counts().requests - calls_before;
  const auto failures = agent.token()["counters"]["consecutive_failures"].get<std::uint64_t>();
  EXPECT_LE(calls, failures + 1);
  const auto passed = std::chrono::ceil<seconds>(std::chrono::steady_clock::now() - begin);
  EXPECT_LE(calls, static_cast<std::uint64_t>(passed.count()) + 1);

  provider.behave(Behaviour::good());
  EXPECT_TRUE(eventually([&] { return agent.generation() > generation && agent.valid(); })) << agent.log();
  EXPECT_EQ(agent.token()["counters"]["consecutive_failures"], 0);
  EXPECT_TRUE(agent.token()["last_error"].is_null());
  for (const IssuedToken& token : provider.issued()) {
    EXPECT_EQ(agent.log().find(token.value), std::string::npos) << "a token was logged";
  }
}

INSTANTIATE_TEST_SUITE_P(Answers, ProviderFault, testing::ValuesIn(faults()),
                         [](const auto& param) { return param.param.name; });

bool paused_by(const AgentProcess& agent, const std::string& reason) {
  const auto status = agent.token();
  return status.is_object() && status["pause"].is_object() &&
         status["pause"]["reason"].get<std::string>().find(reason) != std::string::npos;
}

TEST(ProviderOutage, ConnectionIsRefused_IsLoggedAndAgentRecovers) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.stop_listening();
  AgentProcess agent({.token_url = provider.url(), .refresh = "{retry: {initial: 500ms, max: 1s, permanent: 2s}}"});
  agent.start();
  ASSERT_TRUE(agent.logs("fetch failed"));
  EXPECT_EQ(agent.token()["state"], "none");
  EXPECT_EQ(agent.get("/ready"), 503);
  provider.listen_again();
  EXPECT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(agent.get("/ready"), 200);
}

TEST(ProviderOutage, TokenExpiresInTheOutage_IsMarkedAndRefreshedAfterwards) {
  FaultProvider provider({.lifetime = seconds(2)});
  AgentProcess agent({.token_url = provider.url(), .refresh = "{retry: {initial: 500ms, max: 1s, permanent: 2s}}"});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  provider.behave(Behaviour::failure(503));
  ASSERT_TRUE(eventually([&] { return agent.token().value("state", "") == "expired"; }));
  EXPECT_EQ(agent.get("/ready"), 503);
  provider.behave(Behaviour::good());
  EXPECT_TRUE(eventually([&] { return agent.valid(); }));
}

TEST(ProviderOutage, ProviderAsksForAPause_IsKeptOverARestart) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::pause(429, "60"));
  AgentProcess agent({.token_url = provider.url()});
  agent.start();
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 1; }));
  EXPECT_TRUE(eventually([&] { return paused_by(agent, "429"); }));
  // A restart does not shorten the pause: the coordinator remembers it.
  agent.kill();
  agent.start();
  EXPECT_TRUE(eventually([&] { return paused_by(agent, "429"); }));
  EXPECT_EQ(provider.counts().requests, 1U);
}

// Over HTTP/2 libcurl does not return from frames that carry nothing.
TEST(ProviderFlood, KeepsLibcurlBusy_OtherTokensAreFetchedAndTheAgentStops) {
  const NetworkProcess flood("flood.mjs", {{"kind", "h2_empty_data"}});
  FaultProvider provider({.lifetime = seconds(600)});
  provider.stop_listening();
  AgentProcess agent({.token_url = provider.url(),
                      .refresh = "{retry: {initial: 100ms, max: 200ms}}",
                      .token_extra = "  busy:\n    source:\n      type: http\n      url: http://" + flood.at() +
                                     "/token\n      http_version: '2'\n      timeout: 5m\n"});
  agent.start();
  ASSERT_TRUE(eventually([&] { return !flood.asked().empty(); }));
  provider.listen_again();
  EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  EXPECT_TRUE(agent.logs("without a usable answer"));
  EXPECT_EQ(agent.stop(), 0);
}

}  // namespace
}  // namespace jeton::test
