// The lock over five real servers. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/base/error.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "tests/integration/backends/redlock_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;

using RedlockLock = test::Redlock;

TEST_F(RedlockLock, ConfigurationNamesRedlock_FactoryBuildsIt) {
  CoordinationConfig config;
  config.backend = CoordinationConfig::Backend::redlock;
  config.prefix = "fleet";
  config.redlock.emplace();
  for (std::size_t i = 0; i < servers.size(); ++i) {
    config.redlock->endpoints.push_back(RedisEndpoint::parse(servers[i].tcp_url()));
  }
  config.redlock->access.timeout = test::patience;
  const test::TempDir dir;
  const auto redlock = make_backends(config, dir.path(), loop.timers, loop.random).coordinator;
  redlock->start();
  const std::string name = "t";
  EXPECT_TRUE(loop.run(redlock->try_acquire(name, 60s)).lease);
  EXPECT_EQ(redlock->health().backend, "redlock");
  EXPECT_GE(5 - servers.count("fleet:{t}:updater", ""), 3U);
  redlock->stop();
}

}  // namespace
}  // namespace jeton::agent
