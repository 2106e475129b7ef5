// One coordinator of the kind that the parameter names, for what every kind promises
// (agent/coordination/coordinator.hpp).
#pragma once

#include <filesystem>

#include "tests/integration/coordination/cluster_fixture.hpp"
#include "tests/integration/coordination/redlock_testing.hpp"

namespace jeton::agent {

class CoordinatorBehaviour : public testing::TestWithParam<const char*> {
 protected:
  CoordinatorBehaviour() {
    if (is_redlock()) {
      servers.emplace();
    } else if (is_cluster()) {
      cluster.emplace();
    } else if (!is_local()) {
      server.emplace();
    }
    open();
  }
  ~CoordinatorBehaviour() override { close(); }

  [[nodiscard]] bool is_local() const { return std::string(GetParam()) == "local"; }
  [[nodiscard]] bool is_redlock() const { return std::string(GetParam()) == "redlock"; }
  // The time to live of a lock that is to expire soon. A quorum says no if the validity ran out while it was asked, so
  // there it leaves a busy machine more time.
  [[nodiscard]] Milliseconds brief() const { return Milliseconds{is_redlock() ? 500 : 50}; }

  [[nodiscard]] bool is_cluster() const { return std::string(GetParam()) == "redis_cluster"; }

  void open() {
    if (is_cluster()) {
      coordinator = std::make_unique<RedisCoordinator>(loop.timers, loop.random, test::cluster_options(loop, *cluster));
    } else if (is_local()) {
      coordinator = std::make_unique<LocalCoordinator>(loop.timers, loop.random, dir / "coordination");
    } else if (is_redlock()) {
      coordinator = std::make_unique<RedlockCoordinator>(loop.timers, loop.random, servers->options());
    } else {
      RedisCoordinatorOptions options = test::redis_options(*server);
      if (std::string(GetParam()) == "redis_tcp") {
        options.connection.address.kind = redis::Address::Kind::tcp;
        options.connection.address.host = "127.0.0.1";
        options.connection.address.port = server->port();
        options.connection.database = 2;
      }
      coordinator = std::make_unique<RedisCoordinator>(loop.timers, loop.random, std::move(options));
    }
    coordinator->start();
    call.emplace(loop, *coordinator);
  }
  void close() {
    coordinator->stop();
    coordinator.reset();
  }

  test::Loop loop;
  test::TempDir dir;
  std::optional<test::RedisServer> server;
  std::optional<test::RedisCluster> cluster;
  std::optional<test::RedisServers> servers;
  std::unique_ptr<Coordinator> coordinator;
  std::optional<test::Caller> call;
};

inline std::string backend_name(const testing::TestParamInfo<const char*>& backend) { return backend.param; }

inline const auto every_backend = testing::Values("local", "redis_unix", "redis_tcp", "redis_cluster", "redlock");

}  // namespace jeton::agent
