// A Redis Cluster and what coordinators on it are made of.
#pragma once

#include "agent/fleet/redis/client/cluster_runner.hpp"
#include "agent/fleet/redis/redis_operations.hpp"
#include "tests/integration/backends/redis_fixture.hpp"
#include "tests/support/redis_cluster.hpp"

namespace jeton::test {

[[nodiscard]] inline agent::RedisOptions cluster_options(TestLoop& loop, RedisCluster& cluster,
                                                         agent::Duration timeout = patience,
                                                         const std::string& username = "",
                                                         const std::string& password = "") {
  agent::redis::ClusterOptions cluster_options;
  for (std::size_t i = 0; i < RedisCluster::primaries(); ++i) {
    agent::redis::Address address;
    address.host = "127.0.0.1";
    address.port = cluster.primary(i).port();
    cluster_options.endpoints.push_back(address);
  }
  agent::RedisOptions options;
  options.connection.address = cluster_options.endpoints.front();
  options.connection.client_name = "jeton-agent";
  options.connection.timeout = timeout;
  options.connection.username = [username] { return agent::SecretString(username); };
  options.connection.password = [password] { return agent::SecretString(password); };
  options.keepalive = std::chrono::milliseconds(200);
  cluster_options.connection = options.connection;
  const auto shared = std::make_shared<agent::redis::Cluster>(loop.timers, loop.random, std::move(cluster_options));
  options.connection.endpoint_resolver = std::make_shared<agent::redis::ClusterResolver>(shared);
  options.runner = std::make_shared<agent::redis::ClusterRunner>(shared);
  options.cluster = shared;
  return options;
}

}  // namespace jeton::test
