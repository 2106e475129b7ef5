// The provider refuses a token before its time: what the users' reports lead to, and what they cannot.
#include <jeton/client.hpp>

#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetRejection : FleetTest {
  RedisServer redis;

  AgentSettings settings(const FaultProvider& provider, const std::string& refresh = "{min_interval: 100ms}",
                         const std::string& token_extra = {}) {
    return {.redis_url = redis.tcp_url(), .token_url = provider.url(), .refresh = refresh, .token_extra = token_extra};
  }
  static Token token_of(const AgentProcess& agent) {
    jeton::Options options;
    options.directory = agent.runtime_dir().string();
    return Token("api", options);
  }
  static bool rejected(const AgentProcess& agent) {
    const auto info = token_of(agent).inspect();
    return info && info->rejected();
  }
};

TEST_F(FleetRejection, TokenIsRejected_StaysReadableAndIsMarked) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  const Token token = token_of(agent);
  ASSERT_TRUE(token.rejected(agent.generation()));
  EXPECT_TRUE(rejected(agent));
  EXPECT_TRUE(token.read());
  EXPECT_EQ(agent.token()["rejected"], true);
  EXPECT_EQ(jeton::diagnose("api", agent.runtime_dir().string()).value().token, JETON_REJECTED);
}

TEST_F(FleetRejection, OldGenerationIsReported_IsAnsweredWithoutAnAgent) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  agent.kill();
  const Token token = token_of(agent);
  const Generation current = token.inspect().value().generation();
  const auto answer = token.rejected(current - 1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, current);
  EXPECT_EQ(token.rejected(current).status(), JETON_NO_AGENT);
}

TEST_F(FleetRejection, GenerationNeverExisted_ReportIsRefused) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(token_of(agent).rejected(agent.generation() + 1).status(), JETON_AGENT_REFUSED);
  EXPECT_FALSE(rejected(agent));
}

TEST_F(FleetRejection, ReportedByJetonctl_WaitsForTheNewerToken) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t refused = agent.generation();
  Process report({JETONCTL, "--dir", agent.runtime_dir().string(), "rejected", "api", "--generation",
                  std::to_string(refused), "--wait", "30s"});
  EXPECT_EQ(report.wait(seconds(60)), 0) << report.err();
  EXPECT_GT(agent.generation(), refused);
  Process again(
      {JETONCTL, "--dir", agent.runtime_dir().string(), "rejected", "api", "--generation", std::to_string(refused)});
  EXPECT_EQ(again.wait(seconds(60)), 0) << again.err();
  EXPECT_NE(again.out().find("there is a newer token already"), std::string::npos) << again.out();
  EXPECT_EQ(provider.counts().requests, 2U);
}

// With a coordinator of the fleet, and with that of one host.
TEST_F(FleetRejection, ProviderGivesTheTokenAgain_WaitersForANewerOneGoOn) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::text(R"({"access_token":"the-same-token","expires_in":600})"));
  AgentSettings alone = settings(provider, "{min_interval: 0ms}");
  alone.redis_url.clear();
  for (AgentProcess* agent : {&add_agent(settings(provider, "{min_interval: 0ms}")), &add_agent(alone)}) {
    agent->start();
    ASSERT_TRUE(eventually([&] { return agent->valid(); })) << agent->log();
    const std::uint64_t before = agent->generation();
    const auto ctl = [&](std::vector<std::string> words) {
      words.insert(words.begin(), {JETONCTL, "--dir", agent->runtime_dir().string()});
      return run(words);
    };
    const auto publications = [&] { return agent->token()["counters"]["publications"].get<std::uint64_t>(); };
    ASSERT_EQ(publications(), 1U);
    EXPECT_EQ(ctl({"refresh", "api"}).status, 0);
    ASSERT_TRUE(eventually([&] { return publications() == 2; })) << agent->log();
    EXPECT_EQ(ctl({"wait", "api", "--after", std::to_string(before), "--timeout", "20ms"}).status, 4);
    Process waiting(
        {JETONCTL, "--dir", agent->runtime_dir().string(), "wait", "api", "--after", std::to_string(before)});
    provider.behave(Behaviour::good(), 1);
    EXPECT_EQ(ctl({"refresh", "api"}).status, 0);
    EXPECT_EQ(waiting.wait(), 0);
    EXPECT_GT(std::stoull(waiting.out()), before);
    provider.behave(Behaviour::text(R"({"access_token":"the-same-token","expires_in":600})"));
  }
}

}  // namespace
}  // namespace jeton::test
