// A token that was replaced is revoked at its provider when its overlap has ended: once for the fleet, and for certain.
#include <signal.h>

#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetRevocation : FleetTest {
  AgentSettings settings(const std::string& lock_ttl) {
    return {
        .redis_url = redis.tcp_url(),
        .token_url = provider.url(),
        .refresh = "{min_interval: 10ms, overlap: 1s, retry: {initial: 50ms}}",
        .source_extra = "      revocation: {url: '" + revocations.url("/revoke") + "', form: {token: '${revoked}'}}\n",
        .lock_ttl = lock_ttl};
  }
  // This agent is told to refresh, and every agent has a newer token than it had.
  [[nodiscard]] bool renewed_by(const AgentProcess& agent) const {
    const std::uint64_t before = agent.generation();
    static_cast<void>(run({JETONCTL, "--dir", agent.runtime_dir().string(), "refresh", "api"}));
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

TEST_F(FleetRevocation, OverlapEnds_IsDoneOnceForTheFleet) {
  for (int i = 0; i < 3; ++i) add_agent(settings("60s"));
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  ASSERT_TRUE(renewed_by(*agents.front()));
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

TEST_F(FleetRevocation, HostIsKilledAtEachStep_IsDoneByItsNextRun) {
  AgentProcess& agent = add_agent(settings("4s"));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  // Where it is killed, and whether the provider has heard by then. If it has, it hears once more.
  const std::vector<std::pair<std::string, std::uint64_t>> steps{{"revoke.sending", 0}, {"revoke.done", 1}};
  for (const auto& [step, heard] : steps) {
    SCOPED_TRACE(step);
    ASSERT_EQ(agent.stop(), 0);
    AgentProcess doomed(agent.settings(), {.env = {{"JETON_FAILPOINTS", step + "=kill"}}});
    doomed.write_config(agent_yaml(agent.settings(), agent.runtime_dir()));
    doomed.launch();  // answers where `agent` did
    ASSERT_TRUE(eventually([&] { return agent.valid(); })) << doomed.log();
    const std::string replaced = provider.issued().back().value;
    const auto after = revocations.counts().requests + heard;
    ask_for_new_token(agent);
    EXPECT_EQ(doomed.wait(), 128 + SIGKILL) << "the failpoint was not passed";
    EXPECT_EQ(revocations.counts().requests, after);
    agent.start();
    const std::uint64_t expected = after + 1;
    ASSERT_TRUE(eventually([&] { return revocations.counts().requests == expected; })) << agent.log();
    EXPECT_EQ(revoked(revocations.seen().size() - 1), "token=" + replaced);
  }
}

}  // namespace
}  // namespace jeton::test
