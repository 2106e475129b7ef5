// Messages in a real Redis Cluster: heard on any node, also when that node dies or is cut off.
#include <map>

#include "tests/integration/backends/cluster_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

class ClusterMessages : public testing::Test {
 protected:
  // The primary that has our subscriber; null if none. The connections that watch keys have a name of their own.
  test::RedisServer* listened_to() {
    for (std::size_t i = 0; i < test::RedisCluster::primaries(); ++i) {
      const std::string list = cluster.primary(i).cli({"CLIENT", "LIST", "TYPE", "pubsub"});
      if (list.find("name=jeton-agent ") != std::string::npos) return &cluster.primary(i);
    }
    return nullptr;
  }
  // The fleet's time is kept by a node of its own, which must stay.
  test::RedisServer& clock_holder() { return cluster.holder(RedisKeys::clock("jeton")); }
  // A token of the node that keeps the time, so that it can be published without the others.
  std::string token_beside_the_clock() {
    for (int i = 0;; ++i) {
      std::string token = "t" + std::to_string(i);
      if (&cluster.holder(RedisKeys("jeton", token).token) == &clock_holder()) return token;
    }
  }

  // Listens to a token on a node that neither holds it nor keeps the time.
  void listen() {
    name = token_beside_the_clock();
    for (int tries = 0;; ++tries) {
      ASSERT_LT(tries, 100) << "never a node that does not keep the time";
      host.emplace(loop, test::cluster_options(loop, cluster));
      host->coordinator.subscribe(name, &listener);
      ASSERT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
      node = listened_to();
      ASSERT_NE(node, nullptr);
      if (node != &clock_holder()) break;
      host.reset();
      listener = {};
      ASSERT_TRUE(loop.turn_until([&] { return listened_to() == nullptr; }));
    }
    gaps_before = listener.gaps;
  }

  void expect_messages_by_another_node() {
    ASSERT_TRUE(loop.turn_until([&] {
      const test::RedisServer* const now = listened_to();
      return now != nullptr && now != node && listener.gaps > gaps_before;
    })) << "it did not subscribe again";
    const Lease lease = host->call.acquire(60s, name);
    loop.run(publish(lease));
    EXPECT_TRUE(loop.turn_until([&] { return !listener.records.empty(); }));
    EXPECT_NE(listened_to(), node);
  }
  Task<> publish(Lease lease) {
    const Record record = make_record(loop, lease.fence, "x");
    const auto result = co_await host->coordinator.publish(name, record, lease);
    EXPECT_TRUE(result.stored);
  }

  test::Loop loop;
  test::RedisCluster cluster;
  int gaps_before = 0;
  test::RecordingListener listener;
  std::optional<test::Host> host;
  test::RedisServer* node = nullptr;
  std::string name;
};

TEST_F(ClusterMessages, NodeListenedToDies_MessagesArriveByAnotherNode) {
  listen();
  node->kill();
  expect_messages_by_another_node();
}

TEST_F(ClusterMessages, NodeListenedToLeavesTheCluster_MessagesArriveByAnotherNode) {
  listen();
  ASSERT_EQ(node->cli({"CLUSTER", "RESET", "HARD"}), "OK");  // it runs on and keeps its connections
  expect_messages_by_another_node();
}

TEST_F(ClusterMessages, TokensAreOnEveryNode_MessagesOfAllAreHeard) {
  host.emplace(loop, test::cluster_options(loop, cluster));
  std::map<std::string, test::RecordingListener> listeners;
  std::map<const test::RedisServer*, std::string> by_holder;
  for (int i = 0; by_holder.size() < test::RedisCluster::primaries(); ++i) {
    const std::string token = "t" + std::to_string(i);
    by_holder.try_emplace(&cluster.holder(RedisKeys("jeton", token).token), token);
  }
  for (const auto& [holder, token] : by_holder) host->coordinator.subscribe(token, &listeners[token]);
  for (const auto& [holder, token] : by_holder) {
    const test::RecordingListener& heard = listeners[token];
    ASSERT_TRUE(loop.turn_until([&] { return heard.gaps > 0; }));
    name = token;
    loop.run(publish(host->call.acquire(60s, token)));
    EXPECT_TRUE(loop.turn_until([&] { return heard.records.size() == 1; })) << token;
  }
}

}  // namespace
}  // namespace jeton::agent
