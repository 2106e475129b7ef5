// A token that was replaced is revoked at its provider when its overlap has ended: once for the fleet, and for certain.
#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetRevocation : FleetTest {
  AgentSettings settings(const std::string& refresh = "{min_interval: 10ms, overlap: 1s, retry: {initial: 50ms}}",
                         const std::string& lock_ttl = "1s") {
    return {
        .redis_url = redis.tcp_url(),
        .token_url = provider.url(),
        .refresh = refresh,
        .source_extra = "      revocation: {url: '" + revocations.url("/revoke") + "', form: {token: '${revoked}'}}\n",
        .lock_ttl = lock_ttl};
  }
  // This agent is told to refresh, and every agent has a newer token than it had.
  [[nodiscard]] bool renewed_by(const AgentProcess& agent) const {
    const std::uint64_t before = agent.generation();
    static_cast<void>(run({JETONCTL_BINARY, "--dir", agent.runtime_dir().string(), "refresh", "api"}));
    return eventually([&] {
      return std::all_of(agents.begin(), agents.end(),
                         [&](const auto& a) { return !a->running() || a->generation() > before; });
    });
  }
  [[nodiscard]] std::string revoked(std::size_t which) const { return revocations.seen().at(which).body; }

  RedisServer redis;
  FaultProvider provider{{.lifetime = seconds(600)}};
  FaultProvider revocations;
};

TEST_F(FleetRevocation, HappensOnceForTheFleetAndNotBeforeTheOverlapEnds) {
  for (int i = 0; i < 3; ++i) add_agent(settings());
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  ASSERT_TRUE(renewed_by(*agents.front()));
  EXPECT_FALSE(agents.front()->token()["previous"].is_null());
  ASSERT_TRUE(eventually([&] { return revocations.counts().requests == 1; })) << agents.front()->log();
  EXPECT_TRUE(agents.front()->token()["previous"].is_null()) << "revoked while it was still acceptable";
  EXPECT_EQ(revoked(0), "token=" + provider.issued().at(0).value);
  // The others were told, and will not do it again: another round shows that the first is done with.
  ASSERT_TRUE(renewed_by(*agents.back()));
  ASSERT_TRUE(eventually([&] { return revocations.counts().requests >= 2; }));
  EXPECT_EQ(revoked(1), "token=" + provider.issued().at(1).value);
  EXPECT_EQ(revocations.counts().requests, 2U);
  expect_no_secret_logged(provider);
}

TEST_F(FleetRevocation, IsTriedUntilTheProviderHasHeardIt) {
  revocations.behave(Behaviour::failure(503), 3);
  AgentProcess& agent = add_agent(settings());
  start_all();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(renewed_by(agent));
  ASSERT_TRUE(eventually([&] { return agent.log().find("is revoked at the provider") != std::string::npos; }))
      << agent.log();
  EXPECT_EQ(revocations.counts().requests, 4U);
}

TEST_F(FleetRevocation, IsDoneByAnotherHostIfTheOneThatFetchedIsGone) {
  for (int i = 0; i < 2; ++i) add_agent(settings());
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  ASSERT_TRUE(renewed_by(*agents.front()));
  // All agents of a test have one host name; only who published goes first.
  agents.front()->kill();
  ASSERT_TRUE(eventually([&] { return revocations.counts().requests == 1; })) << agents.back()->log();
  EXPECT_EQ(revoked(0), "token=" + provider.issued().at(0).value);
}

TEST_F(FleetRevocation, IsMadeUpForAfterARestart) {
  AgentProcess& agent = add_agent(settings());
  start_all();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(renewed_by(agent));
  agent.kill();
  ASSERT_TRUE(eventually([&] { return redis.cli({"PTTL", "jeton:{api}:updater"}) == "-2"; }));
  agent.start();
  ASSERT_TRUE(eventually([&] { return redis.cli({"EXISTS", "jeton:{api~revocation}:token"}) == "1"; })) << agent.log();
  EXPECT_EQ(revocations.counts().requests, 1U);
  agent.kill();
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_TRUE(renewed_by(agent));
  ASSERT_TRUE(eventually([&] { return revocations.counts().requests == 2; }));
  EXPECT_EQ(revoked(1), "token=" + provider.issued().at(1).value) << "the first was revoked once more";
}

// Some providers give the same token until it nears its end.
TEST_F(FleetRevocation, IsNeverOfTheTokenThatIsCurrent) {
  provider.behave(Behaviour::text(R"({"access_token":"the-same-token","expires_in":600})"));
  AgentProcess& agent = add_agent(settings("{min_interval: 10ms, overlap: 10ms, retry: {initial: 50ms}}"));
  start_all();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(renewed_by(agent));
    EXPECT_TRUE(agent.token()["previous"].is_null());
  }
  provider.behave(Behaviour::good());
  ASSERT_TRUE(renewed_by(agent));
  ASSERT_TRUE(eventually([&] { return revocations.counts().requests == 1; })) << agent.log();
  EXPECT_EQ(revoked(0), "token=the-same-token");
}

}  // namespace
}  // namespace jeton::test
