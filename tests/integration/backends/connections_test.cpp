// How many connections an agent has to a real server: one for commands, one for messages, whatever it uses.
#include <gtest/gtest.h>

#include "agent/fleet/lease_terms.hpp"
#include "tests/integration/backends/redlock_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class Connections : public test::Redlock {
 protected:
  [[nodiscard]] static std::size_t connections(const test::RedisServer& server) {
    const std::string list = server.cli({"CLIENT", "LIST"});
    std::size_t count = 0;
    for (auto at = list.find("name=jeton-agent"); at != std::string::npos; at = list.find("name=jeton-agent", at + 1)) {
      ++count;
    }
    return count;
  }
  void use(Backends& backends) {
    backends.coordinator->start();
    backends.locks->start();
    for (int i = 0; i < 5; ++i) {
      const std::string name = "job-" + std::to_string(i);
      backends.coordinator->subscribe(name, &listener);
      backends.locks->listen(LockId{name}, [] {});
      EXPECT_TRUE(
          loop.eventually([&] { return loop.run(backends.coordinator->try_acquire(name, 1h)).lease.has_value(); }));
      const LockId id{name};
      EXPECT_TRUE(loop.eventually([&] {
        const AcquireRequest acquire{new_owner_id(loop.random), true, 1h, {}};
        return loop.run(backends.locks->try_acquire(id, acquire)).lease.has_value();
      }));
    }
  }

  test::RecordingListener listener;
};

TEST_F(Connections, OfOneServerWithTokensAndLocks_AreTwo) {
  Backends backends = make_redis_backends(loop.timers, loop.random, test::redis_options(servers[0]));
  use(backends);
  EXPECT_TRUE(loop.eventually([&] { return connections(servers[0]) >= 2U; }));
  EXPECT_EQ(connections(servers[0]), 2U);
  backends.coordinator->stop();
  EXPECT_EQ(connections(servers[0]), 2U);
  backends.locks->stop();
  EXPECT_TRUE(loop.eventually([&] { return connections(servers[0]) == 0; }));
}

TEST_F(Connections, OfAQuorumWithTokensAndLocks_AreTwoForEachServer) {
  Backends backends = make_redlock_backends(loop.timers, loop.random, servers.options());
  use(backends);
  // A majority is enough for a call; the others may be connected later.
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(loop.eventually([&] { return connections(servers[i]) >= 2U; })) << i;
  }
  for (std::size_t i = 0; i < servers.size(); ++i) EXPECT_EQ(connections(servers[i]), 2U) << i;
  backends.locks->stop();
  backends.coordinator->stop();
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(loop.eventually([&] { return connections(servers[i]) == 0; })) << i;
  }
}

}  // namespace
}  // namespace jeton::agent
