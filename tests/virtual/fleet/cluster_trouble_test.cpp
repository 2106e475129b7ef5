// Nodes of a Redis Cluster that disagree, or name what cannot be reached.
#include <gmock/gmock.h>

#include "agent/fleet/redis/client/cluster_runner.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::MemoryServer;
using test::MemoryServers;

class ClusterTrouble : public testing::Test {
 protected:
  ClusterTrouble() {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      servers[i].answer("CLUSTER", [this](const MemoryServer::Words& words) { return cluster(words); });
    }
  }

  // One node holds every slot.
  [[nodiscard]] MemoryServer::Reply cluster(const MemoryServer::Words& words) const {
    using Reply = MemoryServer::Reply;
    if (words.at(1) == "INFO") return Reply::bulk("cluster_state:ok\r\n");
    Reply node = Reply::array({Reply::bulk(MemoryServers::address(owner).host), Reply::number(6379)});
    return Reply::array({Reply::array({Reply::number(0), Reply::number(16383), std::move(node)})});
  }
  RedisOptions options(const std::string& node = MemoryServers::address(0).host) {
    RedisOptions options;
    options.connection = servers.connection(0, 500ms);
    options.connection.address.host = node;
    options.connection.in_cluster = true;
    redis::ClusterOptions nodes;
    nodes.connection = options.connection;
    nodes.endpoints.push_back(options.connection.address);
    const auto shared = std::make_shared<redis::Cluster>(loop.timers, loop.random, std::move(nodes));
    options.connection.endpoint_resolver = std::make_shared<redis::ClusterResolver>(shared);
    options.runner = std::make_shared<redis::ClusterRunner>(shared);
    options.cluster = shared;
    return options;
  }
  // Nodes are asked for the map once a second at most, and have half a second to answer. Until then a command may end
  // without an answer.
  void let_the_map_be_learnt() { loop.pass(2s); }
  [[nodiscard]] std::uint64_t connections_made() const {
    std::uint64_t made = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) made += servers[i].commands("HELLO");
    return made;
  }
  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }

  std::size_t owner = 0;
  test::VirtualLoop loop;
  MemoryServers servers{loop, 2};
};

// A node that was added and has not joined yet, under the one name of all nodes.
TEST_F(ClusterTrouble, FirstAddressOfTheNameIsInNoCluster_AnotherOneIsAsked) {
  servers.network().set_name("nodes.example", {MemoryServers::address(0).host, MemoryServers::address(1).host});
  servers[0].answer("CLUSTER", [](const auto&) { return MemoryServer::Reply::array({}); });
  owner = 1;
  test::Host host(loop, options("nodes.example"));
  let_the_map_be_learnt();
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

// While a failover is known to one of them only, or permanently after a resharding that was broken off.
TEST_F(ClusterTrouble, TwoNodesSendCommandsToEachOther_TheWatchDoesNotMoveWithEachOfThem) {
  test::Host host(loop, options());
  host.listen();
  servers[0].refuse("EVALSHA", "MOVED 1 " + MemoryServers::address(1).host + ":6379");
  servers[1].refuse("EVALSHA", "MOVED 1 " + MemoryServers::address(0).host + ":6379");
  const auto made = connections_made();
  const auto begin = loop.clock.boot_now();
  int commands = 0;
  for (; loop.clock.boot_now() - begin < 20s; ++commands) {
    EXPECT_THROW(host.call.try_acquire(1s), TransportError);
    loop.pass(50ms);
  }
  EXPECT_GT(commands, 300);
  // The rest are connections for commands, which end when the map is learnt anew.
  EXPECT_LT(connections_made() - made, 100U);
  for (int i = 0; i < 2; ++i) servers[static_cast<std::size_t>(i)].refuse("EVALSHA", "");
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
  loop.pass(15s);
  servers[0].cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses > 0; })) << "the owner is not watched";
}

TEST_F(ClusterTrouble, NodesNameEverNewAddresses_TheLogGetsAFewLines) {
  test::Host host(loop, options());
  host.listen();
  int named = 0;
  servers[0].answer("EVALSHA", [&](const MemoryServer::Words&) {
    ++named;
    return MemoryServer::Reply::error("MOVED 1 10.1." + std::to_string(named / 200) + "." +
                                      std::to_string(named % 200) + ":6379");
  });
  testing::internal::CaptureStderr();
  for (int i = 0; i < 300; ++i) EXPECT_THROW(host.call.try_acquire(1s), TransportError);
  EXPECT_LT(count(testing::internal::GetCapturedStderr(), "out of reach"), 80U) << "for " << named;
  EXPECT_GT(named, 250);
  servers[0].answer("EVALSHA", nullptr);
  let_the_map_be_learnt();
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

// So does a Redis 7 with cluster-preferred-endpoint-type hostname about a node without cluster-announce-hostname.
TEST_F(ClusterTrouble, ANodeDoesNotKnowTheNameOfTheNewOwner_TheMapIsLearntAnew) {
  for (const std::string kind : {"MOVED", "ASK"}) {
    SCOPED_TRACE(kind);
    owner = 0;
    test::Host host(loop, options());
    host.listen();
    let_the_map_be_learnt();
    servers[0].refuse("EVALSHA", kind + " 1 ?:6379");
    owner = 1;
    EXPECT_TRUE(host.call.try_acquire(1s).lease);
    servers[0].refuse("EVALSHA", "");
    loop.pass(5s);  // the lock ends
  }
}

TEST_F(ClusterTrouble, ANodeSaysThatItIsAReplica_TheMapIsLearntAnew) {
  test::Host host(loop, options());
  host.listen();
  owner = 1;
  servers[0].refuse("EVALSHA", "READONLY You can't write against a read only replica.");
  EXPECT_THROW(host.call.try_acquire(1s), TransportError);
  let_the_map_be_learnt();
  EXPECT_TRUE(host.call.try_acquire(1h).lease);
}

}  // namespace
}  // namespace jeton::agent
