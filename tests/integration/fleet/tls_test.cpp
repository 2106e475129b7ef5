// Real agents over TLS.
#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/tls_redis.hpp"

namespace jeton::test {
namespace {

using FleetTls = FleetTest;

TEST_F(FleetTls, TwoAgentsShareOneTokenWithOneFetch) {
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

}  // namespace
}  // namespace jeton::test
