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

TEST_F(FleetRejection, FiveHundredReportsOnFiveHostsAreOneFetch) {
  FaultProvider provider({.lifetime = seconds(600)});
  for (int i = 0; i < 5; ++i) add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t refused = agents.front()->generation();
  ASSERT_TRUE(eventually([&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() == refused; });
  }));
  const std::uint64_t before = provider.counts().requests;
  std::vector<std::thread> hosts;
  std::atomic<int> failed{0};
  for (const auto& agent : agents) {
    hosts.emplace_back([&] {
      const Token token = token_of(*agent);
      for (int i = 0; i < 100; ++i) {
        if (!token.rejected(refused)) ++failed;
      }
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(failed, 0);
  for (const auto& agent : agents) {
    const auto newer = token_of(*agent).wait_change(refused, seconds(30));
    ASSERT_TRUE(newer);
    EXPECT_FALSE(rejected(*agent));
  }
  EXPECT_EQ(provider.counts().requests, before + 1);
}

TEST_F(FleetRejection, ARejectedTokenStaysReadableAndSaysSo) {
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

TEST_F(FleetRejection, IsMarkedOnEveryHostUntilTheNewTokenIsThere) {
  FaultProvider provider({.lifetime = seconds(600)});
  for (int i = 0; i < 3; ++i) add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t refused = agents.front()->generation();
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  ASSERT_TRUE(token_of(*agents.front()).rejected(refused));
  for (const auto& agent : agents) {
    EXPECT_TRUE(eventually([&] { return rejected(*agent); }));
    EXPECT_TRUE(token_of(*agent).read());
  }
  EXPECT_TRUE(eventually([&] { return provider.counts().requests == 2; }));
}

// The host that was told is killed before it could fetch: the others know.
TEST_F(FleetRejection, IsMendedByAnotherHostIfTheOneThatWasToldDies) {
  FaultProvider provider({.lifetime = seconds(600)});
  for (int i = 0; i < 2; ++i) add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t refused = agents.front()->generation();
  provider.behave(Behaviour::only(Behaviour::Kind::hang), 1);
  ASSERT_TRUE(token_of(*agents.front()).rejected(refused));
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 2; }));
  agents.front()->kill();
  const auto newer = token_of(*agents.back()).wait_change(refused, seconds(30));
  ASSERT_TRUE(newer) << agents.back()->log();
  EXPECT_FALSE(rejected(*agents.back()));
}

TEST_F(FleetRejection, AReportOfAnOldGenerationIsAnsweredFromTheSegmentEvenWithoutAnAgent) {
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

TEST_F(FleetRejection, AReportOfAGenerationThatNeverWasIsRefused) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(token_of(agent).rejected(agent.generation() + 1).status(), JETON_AGENT_REFUSED);
  EXPECT_FALSE(rejected(agent));
}

// Reports every new token at once, from two hosts, for as long as it takes to see that it makes no loop.
TEST_F(FleetRejection, AProviderThatRejectsEveryTokenIsAskedLessAndLessOften) {
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string refresh = "{min_interval: 10ms, retry: {initial: 500ms, permanent: 1h}}";
  for (int i = 0; i < 2; ++i) add_agent(settings(provider, refresh));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t reports = 0;
  while (std::chrono::steady_clock::now() - started < seconds(8)) {
    for (const auto& agent : agents) {
      if (token_of(*agent).rejected(agent->generation())) ++reports;
    }
  }
  // The first, one at once, and one each 1 s, 2 s and 4 s after its predecessor's issue.
  EXPECT_GT(reports, 100U);
  EXPECT_LE(provider.counts().requests, 5U);
  EXPECT_GE(provider.counts().requests, 3U);
  EXPECT_TRUE(eventually([&] {
    const auto status = agents.front()->token();
    return status.is_object() && status["last_error"].is_object() &&
           status["last_error"]["message"].get<std::string>().find("in a row") != std::string::npos;
  })) << agents.front()->token().dump();
}

TEST_F(FleetRejection, TheReserveOfTheBudgetIsForIt) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider, "{min_interval: 10ms, retry: {initial: 20ms}}",
                                           "    budget: {calls: 3, per: 1h, reserve: 2}\n"));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));  // the schedule's one call
  for (std::uint64_t spent = 1; spent < 3; ++spent) {
    const Generation refused = agent.generation();
    const Token token = token_of(agent);
    ASSERT_TRUE(token.rejected(refused));
    ASSERT_TRUE(token.wait_change(refused, seconds(30)));
    EXPECT_EQ(provider.counts().requests, spent + 1);
  }
  ASSERT_TRUE(token_of(agent).rejected(agent.generation()));
  ASSERT_TRUE(eventually([&] {
    const auto status = agent.token();
    return status.is_object() && status["pause"].is_object() && status["pause"]["reason"] == "budget";
  }));
  EXPECT_EQ(provider.counts().requests, 3U);
}

// An agent whose budget of two calls is spent: on the first token, and on the one that replaced it.
struct FleetSpentBudget : FleetRejection {
  void SetUp() override {
    add_agent(settings(provider, "{min_interval: 10ms, retry: {initial: 20ms}}", "    budget: {calls: 2, per: 1h}\n"));
    start_all();
    ASSERT_TRUE(eventually([&] { return all_valid(); }));
    const Token token = token_of(*agents.front());
    const Generation refused = agents.front()->generation();
    ASSERT_TRUE(token.rejected(refused));
    ASSERT_TRUE(token.wait_change(refused, seconds(30)));
    ASSERT_EQ(provider.counts().requests, 2U);
  }

  FaultProvider provider{{.lifetime = seconds(600)}};
};

// The store loses the count while a refresh is wanted: what the hosts know of it counts.
TEST_F(FleetSpentBudget, IsNotRefilledByAFlushThoughARefreshIsWantedAtOnce) {
  AgentProcess& agent = *agents.front();
  const Token token = token_of(agent);
  for (int round = 0; round < 3; ++round) {
    redis.cli({"FLUSHALL"});
    ASSERT_TRUE(token.rejected(agent.generation()));
    EXPECT_TRUE(eventually([&] { return redis.cli({"HGET", "jeton:{api}:budget", "calls"}) == "2"; }));
  }
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(FleetSpentBudget, IsNotRefilledByARestartWithoutDataEither) {
  AgentProcess& agent = *agents.front();
  const Token token = token_of(agent);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(token.rejected(agent.generation()));
    redis.restart();
    EXPECT_TRUE(eventually([&] { return redis.cli({"HGET", "jeton:{api}:budget", "calls"}) == "2"; }));
  }
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(FleetRejection, AnAgentKilledAfterAReportIsFollowedByOneThatActsOnIt) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const Token token = token_of(agent);
  const Generation refused = agent.generation();
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  ASSERT_TRUE(token.rejected(refused));
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 2; }));
  agent.kill();
  provider.behave(Behaviour::good());
  agent.start();
  EXPECT_TRUE(token.wait_change(refused, seconds(60)));
}

TEST_F(FleetRejection, AnOperatorsRefreshEndsAPauseThatNothingElseWouldEnd) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::failure(401));
  AgentProcess& agent = add_agent(settings(provider, "{min_interval: 10ms, retry: {permanent: 1h}}"));
  start_all();
  ASSERT_TRUE(eventually([&] {
    const auto status = agent.token();
    return status.is_object() && status["pause"].is_object();
  }));
  provider.behave(Behaviour::good());  // mended at the provider: the request is the same
  Process refresh({JETONCTL_BINARY, "--dir", agent.runtime_dir().string(), "refresh", "api", "--wait", "30s"});
  EXPECT_EQ(refresh.wait(seconds(60)), 0) << refresh.err();
  EXPECT_TRUE(agent.valid());
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(FleetRejection, JetonctlReportsAndWaitsForTheNewerOne) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent(settings(provider));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  const std::uint64_t refused = agent.generation();
  Process report({JETONCTL_BINARY, "--dir", agent.runtime_dir().string(), "rejected", "api", "--generation",
                  std::to_string(refused), "--wait", "30s"});
  EXPECT_EQ(report.wait(seconds(60)), 0) << report.err();
  EXPECT_GT(agent.generation(), refused);
  Process again({JETONCTL_BINARY, "--dir", agent.runtime_dir().string(), "rejected", "api", "--generation",
                 std::to_string(refused)});
  EXPECT_EQ(again.wait(seconds(60)), 0) << again.err();
  EXPECT_NE(again.out().find("newer token is here"), std::string::npos) << again.out();
  EXPECT_EQ(provider.counts().requests, 2U);
}

}  // namespace
}  // namespace jeton::test
