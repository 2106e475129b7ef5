// A quorum in which one server is listed under two names: it has one vote.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;

// Three names, each of which can be moved from one server to another.
class RedlockVote : public test::VirtualRedlock {
 protected:
  void point(char name, std::size_t server) { servers.network().point(address_of(name), servers.shared(server)); }
  [[nodiscard]] static redis::Address address_of(char name) {
    redis::Address address;
    address.host = std::string(1, name);
    return address;
  }
  [[nodiscard]] RedlockOptions names(Duration timeout = test::patience) {
    auto options = servers.options(timeout);
    options.servers.resize(3);
    for (std::size_t i = 0; i < 3; ++i) options.servers[i].address = address_of("abc"[i]);
    return options;
  }
  [[nodiscard]] bool reaches(const RedlockHost& host, int count) {
    return loop.turn_until(
        [&] { return host.coordinator.health().endpoint == "3 servers, " + std::to_string(count) + " reachable"; });
  }
  [[nodiscard]] bool notices_a_loss(const RedlockHost& host) {
    return loop.turn_until([&] { return host.coordinator.health().endpoint != "3 servers, 3 reachable"; });
  }
  void disconnect(std::size_t server) const { servers[server].cli({"CLIENT", "KILL", "TYPE", "normal"}); }
};

TEST_F(RedlockVote, OneServerUnderThreeNames_IsNoMajority) {
  point('a', 0);
  point('b', 0);
  point('c', 0);
  for (int i = 0; i < 10; ++i) {
    RedlockHost host(loop, names(impatience));
    EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  }
}

TEST_F(RedlockVote, NameMovesToAnotherServer_IsGiven) {
  point('a', 0);
  point('b', 1);
  point('c', 0);
  RedlockHost host(loop, names());
  ASSERT_TRUE(reaches(host, 2));
  EXPECT_NE(host.coordinator.health().last_error, "");
  // The name that has the vote may be either.
  point('a', 2);
  point('c', 3);
  EXPECT_TRUE(reaches(host, 3));
  EXPECT_EQ(host.coordinator.health().last_error, "");
}

TEST_F(RedlockVote, ServersRestartAndChangeNames_IsKept) {
  for (std::size_t i = 0; i < 3; ++i) point("abc"[i], i);
  RedlockHost host(loop, names());
  ASSERT_TRUE(reaches(host, 3));
  servers[1].restart();
  ASSERT_TRUE(notices_a_loss(host));
  ASSERT_TRUE(reaches(host, 3));
  EXPECT_EQ(host.coordinator.health().last_error, "");
  point('a', 2);
  point('c', 0);
  disconnect(0);
  disconnect(2);
  ASSERT_TRUE(notices_a_loss(host));
  EXPECT_TRUE(reaches(host, 3));
  EXPECT_EQ(host.coordinator.health().last_error, "");
  EXPECT_TRUE(host.call.acquire(1h).fence > 0);
}

TEST_F(RedlockVote, ServerDoesNotSayWhoItIs_Counts) {
  for (std::size_t i = 0; i < 3; ++i) {
    point("abc"[i], i);
    servers[i].refuse("INFO", "NOPERM User default has no permissions to run the 'info' command");
  }
  RedlockHost host(loop, names());
  EXPECT_TRUE(reaches(host, 3));
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

TEST_F(RedlockVote, ServerIsRefused_CountsForNoClaim) {
  point('a', 0);
  point('b', 1);
  point('c', 0);
  RedlockHost host(loop, names());
  ASSERT_TRUE(reaches(host, 2));
  host.listen();
  EXPECT_TRUE(loop.eventually([&] {
    return servers[0].cli({"PUBSUB", "NUMSUB", "jeton:{t}:published"}).ends_with("2");
  }));
  const std::string claim = R"({"type":"claim","owner":"another","ttl_ms":60000})";
  servers[0].cli({"PUBLISH", "jeton:{t}:published", claim});
  loop.pass(100ms);
  EXPECT_TRUE(host.listener.claims.empty()) << "one server was heard twice";
  servers[1].cli({"PUBLISH", "jeton:{t}:published", claim});
  EXPECT_TRUE(loop.eventually([&] { return !host.listener.claims.empty(); }));
}

}  // namespace
}  // namespace jeton::agent
