// Real agents over TLS.
#include <optional>

#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/sentinel_deployment.hpp"
#include "tests/support/tls_redis.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

using FleetTls = FleetTest;

TEST_F(FleetTls, RedisDemandsAClientCertificate_AgentsShareOneToken) {
  const TlsRedis redis({.demands_client_certificate = true});
  redis.issue("client", {});
  FaultProvider provider({.lifetime = seconds(600)});
  for (int i = 0; i < 2; ++i) {
    add_agent({.redis = "{endpoint: '" + redis.url() + "', timeout: 500ms, tls: {ca_file: " + redis.file("ca.pem") +
                        ", cert_file: " + redis.file("client.pem") + ", key_file: " + redis.file("client.key") + "}}",
               .token_url = provider.url()});
  }
  start_all();
  ASSERT_TRUE(eventually([&] { return all_valid(); }));
  EXPECT_EQ(agents[0]->generation(), agents[1]->generation());
  EXPECT_EQ(stored_generation(redis.server()), agents[0]->generation());
  EXPECT_EQ(provider.counts().requests, 1U);
  expect_no_secret_logged(provider);
}

// Servers that speak nothing but TLS, with one another too.
struct FleetTlsDeployment : FleetTest {
  void start_agents(const std::string& redis) {
    for (int i = 0; i < 2; ++i) {
      add_agent({.redis = redis, .token_url = provider.url()});
    }
    start_all();
    ASSERT_TRUE(eventually([&] { return all_valid(); }));
    first = agents[0]->generation();
    EXPECT_EQ(agents[1]->generation(), first);
    EXPECT_EQ(provider.counts().requests, 1U);
  }
  [[nodiscard]] bool all_beyond(std::uint64_t generation) const {
    return eventually([&] {
      return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() > generation; });
    });
  }
  [[nodiscard]] bool logged(const std::string& text) const { return agents.front()->logs(text); }

  static std::string cluster_yaml(const RedisCluster& cluster, const TlsFiles& files, const std::string& more = "") {
    return "{timeout: 500ms, cluster: {endpoints: " + cluster.endpoints() + "}, tls: {ca_file: " + files.tls().ca_file +
           more + "}}";
  }

  static constexpr const char* token = "jeton:{api}:token";
  FaultProvider provider{{.lifetime = seconds(600)}};
  std::uint64_t first = 0;
};

TEST_F(FleetTlsDeployment, PrimaryUnderSentinelsDies_FailoverIsFollowed) {
  const TlsFiles files({"IP:127.0.0.1"});
  SentinelDeployment redis(files.tls());
  start_agents(redis.yaml());
  const auto answer = unix_http_get(agents[0]->runtime_dir() / "agent.sock", "/v1/status");
  EXPECT_EQ(nlohmann::json::parse(answer.body)["coordinator"]["endpoint"],
            "rediss://127.0.0.1:" + std::to_string(redis.server(0).port()) + "/0 (sentinel \"jeton\")");
  redis.server(0).kill();
  ask_for_new_token(*agents[0]);
  EXPECT_TRUE(all_beyond(first));
  std::optional<std::size_t> primary;
  ASSERT_TRUE(eventually([&] { return (primary = redis.primary()).value_or(0) != 0; }));
  EXPECT_GT(stored_generation(redis.server(*primary)), first);
  EXPECT_EQ(provider.counts().requests, 2U);
}

TEST_F(FleetTlsDeployment, ClusterMovesASlotAndFailsOver_IsFollowed) {
  const TlsFiles files({"IP:127.0.0.1"});
  RedisCluster cluster(files.tls());
  RedisServer& holder = cluster.holder(token);
  RedisServer& to = cluster.other_than({&holder});
  static_cast<void>(cluster.add_replica(to));
  start_agents(cluster_yaml(cluster, files));
  cluster.move_slot(cluster.slot_of(token), holder, to);
  ask_for_new_token(*agents[0]);
  EXPECT_TRUE(all_beyond(first)) << "MOVED was not followed";
  const auto second = agents[0]->generation();
  to.kill();
  ask_for_new_token(*agents[1]);
  EXPECT_TRUE(all_beyond(second)) << "the replica was not found";
  EXPECT_EQ(provider.counts().requests, 3U);
  for (const auto& agent : agents) EXPECT_EQ(agent->log().find("redis://"), std::string::npos) << "without TLS";
}

TEST_F(FleetTlsDeployment, ClusterAnnouncesHostNames_CertificatesAreCheckedForThem) {
  const TlsFiles files({"DNS:localhost"});
  RedisCluster cluster(files.tls(),
                       {"--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"});
  std::string redis = cluster_yaml(cluster, files);
  for (std::size_t at = 0; (at = redis.find("127.0.0.1", at)) != std::string::npos;) redis.replace(at, 9, "localhost");
  start_agents(redis);
  EXPECT_EQ(stored_generation(cluster.holder(token)), first);
}

TEST_F(FleetTlsDeployment, AnnouncedNameIsNotInTheCertificate_ErrorNamesBoth) {
  const TlsFiles files({"DNS:localhost"});
  RedisCluster cluster(files.tls());
  std::string redis = cluster_yaml(cluster, files);
  for (std::size_t at = 0; (at = redis.find("127.0.0.1", at)) != std::string::npos;) redis.replace(at, 9, "localhost");
  add_agent({.redis = redis, .token_url = provider.url()});
  start_all();
  EXPECT_TRUE(logged("the server's certificate is for localhost and not for 127.0.0.1"));
  EXPECT_TRUE(logged("set tls.server_name"));
  EXPECT_EQ(provider.counts().requests, 0U);
  // The advice holds.
  agents.clear();
  start_agents(cluster_yaml(cluster, files, ", server_name: localhost"));
}

}  // namespace
}  // namespace jeton::test
