// A primary under sentinels that dies at the worst moment. Whatever happens, no host goes back to an older token, at
// most one fetch is spent more than needed, and the next rotation succeeds. Tokens live long: sentinels of a busy
// machine do nothing for 30 s after they were late themselves (TILT).
#include <signal.h>

#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/sentinel_deployment.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

struct FleetFailover : FleetTest {
  void start_agents(int count, const std::string& failpoints = "") {
    for (int i = 0; i < count; ++i) {
      ProcessOptions options;
      if (!failpoints.empty()) options.env["JETON_FAILPOINTS"] = failpoints;
      const AgentSettings settings{.redis = redis.yaml(),
                                   .token_url = provider.url(),
                                   .refresh = "{min_interval: 10ms}",
                                   .source_extra = unhurried_source};
      agents.push_back(std::make_unique<AgentProcess>(settings, options));
    }
    start_all();
  }
  void start_readers() {
    for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(300)));
  }
  [[nodiscard]] bool all_beyond(std::uint64_t generation) const {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() > generation; });
  }
  [[nodiscard]] std::uint64_t newest() const {
    std::uint64_t newest = 0;
    for (const auto& agent : agents) newest = std::max(newest, agent->generation());
    return newest;
  }
  // The rotation that is under way and one more, by all.
  void expect_resumed(std::uint64_t before) {
    ASSERT_TRUE(eventually([&] { return have_read_beyond(readers, before); })) << "the rotation was not finished";
    const auto second = newest();
    ask_for_new_token(*agents.back());
    ASSERT_TRUE(eventually([&] { return have_read_beyond(readers, second); })) << "the next rotation did not come";
    for (const auto& reader : readers) {
      const auto report = reader->report(true);
      SCOPED_TRACE(report.dump());
      for (const char* count : {"torn", "expired", "older", "busy", "other"}) {
        EXPECT_EQ(report[count].get<std::uint64_t>(), 0U) << count;
      }
      const auto serials = report["serials"].get<std::vector<std::uint64_t>>();
      ASSERT_GE(serials.size(), 3U);
      EXPECT_LE(serials.back() - serials.front() + 1 - serials.size(), 1U) << "more than one fetch for nothing";
    }
    expect_no_secret_logged(provider);
  }

  SentinelDeployment redis;
  FaultProvider provider{{.lifetime = seconds(600)}};
  Readers readers;
};

TEST_F(FleetFailover, PrimaryIsKilledDuringAFetch_IsReplaced) {
  start_agents(3);
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  start_readers();
  const auto first = newest();
  const auto asked = provider.counts().requests;
  provider.behave(Behaviour::slow(seconds(60)), 1);
  ask_for_new_token(*agents.front());
  ASSERT_TRUE(eventually([&] { return provider.counts().requests > asked; }));
  redis.server(0).kill();
  provider.end_delays();
  expect_resumed(first);
  EXPECT_TRUE(eventually([&] { return redis.primary().value_or(0) != 0; }));
}

TEST_F(FleetFailover, PrimaryIsKilledBeforeThePublication_IsReplaced) {
  start_agents(3, "refresh.fetched=sleep:1500");  // the token is there and nobody knows
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  start_readers();
  const auto first = newest();
  const auto issued = provider.counts().issued;
  ask_for_new_token(*agents.front());
  ASSERT_TRUE(eventually([&] { return provider.counts().issued > issued; }));
  redis.server(0).kill();
  expect_resumed(first);
}

TEST_F(FleetFailover, RecordIsOnNoReplica_IsGivenToTheNewPrimary) {
  start_agents(3);
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  start_readers();
  const auto first = newest();
  ASSERT_TRUE(eventually([&] { return stored_generation(redis.server(1)) == first; }));
  // Not long before the failover: sentinels do not promote a replica that was cut off for ten seconds.
  // Nothing is published before the replicas are cut off.
  const auto asked = provider.counts().requests;
  provider.behave(Behaviour::slow(seconds(60)), 1);
  ask_for_new_token(*agents.front());
  ASSERT_TRUE(eventually([&] { return provider.counts().requests > asked; }));
  redis.cut_replication(0);
  provider.end_delays();
  ASSERT_TRUE(eventually([&] { return all_beyond(first); }));
  const auto second = newest();
  ASSERT_EQ(stored_generation(redis.server(0)), second);
  ASSERT_EQ(stored_generation(redis.server(1)), first);
  ASSERT_EQ(stored_generation(redis.server(2)), first);
  redis.server(0).kill();

  std::optional<std::size_t> primary;
  ASSERT_TRUE(eventually([&] { return (primary = redis.primary()).value_or(0) != 0; }));
  EXPECT_TRUE(eventually([&] { return stored_generation(redis.server(*primary)) >= second; }))
      << "the record was not given back";
  expect_resumed(first);
}

TEST_F(FleetFailover, PrimaryFreezes_IsLeftAndComesBackAsAReplica) {
  start_agents(2);
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  start_readers();
  const auto first = newest();
  redis.server(0).signal(SIGSTOP);  // every connection to it stays up
  ASSERT_TRUE(eventually([&] { return redis.sentinel(0).primary_port() != redis.server(0).port(); }));
  ask_for_new_token(*agents.front());
  redis.server(0).signal(SIGCONT);  // a primary in its own mind, until a sentinel tells it otherwise
  expect_resumed(first);
  // Sentinels look at the role of a server each 10 s, and demote it when it was well for 8 s.
  EXPECT_TRUE(eventually([&] { return redis.server(0).cli({"ROLE"}).starts_with("slave"); }, 3 * patience));
}

TEST_F(FleetFailover, TwoOfThreeSentinelsAreDown_AgentsStart) {
  redis.sentinel(0).kill();
  redis.sentinel(2).kill();
  start_agents(2);
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(agents[0]->generation(), agents[1]->generation());
  EXPECT_EQ(provider.counts().requests, 1U);
  const auto answer = unix_http_get(agents[0]->runtime_dir() / "agent.sock", "/v1/status");
  EXPECT_EQ(nlohmann::json::parse(answer.body)["coordinator"]["endpoint"],
            redis.server(0).tcp_url() + " (sentinel \"jeton\")");
}

}  // namespace
}  // namespace jeton::test
