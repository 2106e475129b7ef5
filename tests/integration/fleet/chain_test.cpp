// Tokens that are fetched with another token, and tokens that each host has for itself.
#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct FleetChain : FleetTest {
  // The token "api" is fetched with the token "key".
  void configure(AgentProcess& agent, const std::string& coordination, const std::string& lifetime_of_key = "{}") {
    agent.write_config("version: 1\nagent:\n  runtime_dir: " + agent.runtime_dir().string() +
                       "\n  log: {level: trace, format: text}\ncoordination: " + coordination +
                       "\ntokens:\n  key:\n    source: {type: http, url: '" + keys.url("/key") + "'}\n    refresh: " +
                       lifetime_of_key + "\n  api:\n    source:\n      type: http\n      url: " + provider.url() +
                       "\n      headers: {Authorization: 'Bearer ${token:key}'}\n");
  }
  static nlohmann::json token(const AgentProcess& agent, const std::string& name) {
    const auto answer = unix_http_get(agent.runtime_dir() / "agent.sock", "/v1/tokens/" + name);
    return answer.status == 200 ? nlohmann::json::parse(answer.body) : nlohmann::json();
  }
  static bool has_error(const nlohmann::json& status, const std::string& text) {
    return status.is_object() && status["last_error"].is_object() &&
           status["last_error"]["message"].get<std::string>().find(text) != std::string::npos;
  }

  FaultProvider keys{{.lifetime = seconds(600)}};
  FaultProvider provider{{.lifetime = seconds(600)}};
  RedisServer redis;
};

TEST_F(FleetChain, SourceNamesAnotherToken_IsFetchedWithItsValue) {
  AgentProcess& agent = add_agent({});
  configure(agent, "{backend: local}");
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); })) << agent.log();
  ASSERT_EQ(provider.counts().requests, 1U);
  EXPECT_EQ(provider.seen().front().headers.at("authorization"), "Bearer " + keys.issued().front().value);
  for (const IssuedToken& key : keys.issued()) EXPECT_EQ(agent.log().find(key.value), std::string::npos);
}

TEST_F(FleetChain, FirstTokenIsMissing_ProviderOfTheSecondIsNotAsked) {
  keys.behave(Behaviour::failure(503));
  AgentProcess& agent = add_agent({});
  configure(agent, "{backend: local}");
  start_all();
  ASSERT_TRUE(eventually([&] { return has_error(token(agent, "api"), "waits for the token key"); })) << agent.log();
  EXPECT_EQ(token(agent, "api")["counters"]["lock_attempts"], 0);
  EXPECT_EQ(provider.counts().requests, 0U);
  keys.behave(Behaviour::good());
  EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  EXPECT_TRUE(token(agent, "api")["last_error"].is_null());
}

TEST_F(FleetChain, FirstTokenIsReplaced_SecondIsNotRefreshed) {
  keys.set_lifetime(milliseconds(1500));
  AgentProcess& agent = add_agent({});
  configure(agent, "{backend: local}", "{min_interval: 10ms}");
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t before = keys.counts().issued;
  ASSERT_TRUE(eventually([&] { return keys.counts().issued >= before + 3; }));
  EXPECT_EQ(provider.counts().requests, 1U);
}

// 403 with the first key: a long pause, which ends as soon as there is another one.
TEST_F(FleetChain, FetchWasRefused_IsTriedAgainWithTheNextFirstToken) {
  provider.behave(Behaviour::failure(403), 1);
  keys.set_lifetime(seconds(4));
  AgentProcess& agent = add_agent({});
  configure(agent, "{backend: local}", "{min_interval: 10ms}");
  start_all();
  EXPECT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  const auto seen = provider.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen.at(0).headers.at("authorization"), seen.at(1).headers.at("authorization"));
}

TEST_F(FleetChain, SeveralHosts_EachTokenIsFetchedOnce) {
  for (int i = 0; i < 3; ++i) {
    configure(add_agent({}), "{backend: redis, redis: {endpoint: '" + redis.tcp_url() + "'}}");
  }
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(keys.counts().requests, 1U);
  EXPECT_EQ(provider.counts().requests, 1U);
}

using FleetScope = FleetChain;

TEST_F(FleetScope, ScopeIsHost_EachHostHasItsOwnTokenAndRedisNone) {
  for (int i = 0; i < 3; ++i) {
    add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url(), .token_extra = "    scope: host\n"});
  }
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(provider.counts().requests, 3U);
  EXPECT_EQ(redis.cli({"EXISTS", "jeton:{api}:token"}), "0");
}

}  // namespace
}  // namespace jeton::test
