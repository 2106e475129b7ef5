// Loss of a record in a real Redis Cluster is told by the node that holds it, also after its slot has moved.
#include <algorithm>
#include <map>

#include "tests/integration/backends/cluster_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

class ClusterWatched : public testing::Test {
 protected:
  static constexpr const char* token = "jeton:{t}:token";
  static constexpr const char* channel = "jeton:{t}:published";

  // A token on each primary.
  std::vector<std::string> tokens_everywhere() {
    std::map<const test::RedisServer*, std::string> by_holder;
    for (int i = 0; by_holder.size() < test::RedisCluster::primaries(); ++i) {
      const std::string name = "t" + std::to_string(i);
      by_holder.try_emplace(&cluster.holder(RedisKeys("jeton", name).token), name);
    }
    std::vector<std::string> names;
    for (const auto& [holder, name] : by_holder) names.push_back(name);
    return names;
  }
  // Connections of our hosts to this node that watch keys.
  static std::ptrdiff_t watches(const test::RedisServer& node) {
    const std::string list = node.cli({"CLIENT", "LIST", "TYPE", "pubsub"});
    std::ptrdiff_t count = 0;
    for (std::size_t at = 0; (at = list.find("name=jeton-agent-watch", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  // Hears messages and is told of losses.
  void listen() {
    host.listen();
    await_watch();
  }
  void await_watch() {
    ASSERT_TRUE(loop.eventually([&] { return subscribed(cluster.holder(token)); }));
  }
  // The subscription to the channels of the tokens is the watch's last step. One more is that of the invalidations.
  [[nodiscard]] static bool subscribed(const test::RedisServer& node, int tokens = 1) {
    const std::string list = node.cli({"CLIENT", "LIST", "TYPE", "pubsub"});
    const auto at = list.find("name=jeton-agent-watch");
    const std::string subscriptions = " sub=" + std::to_string(tokens + 1) + " ";
    return at != std::string::npos &&
           list.substr(at, list.find('\n', at) - at).find(subscriptions) != std::string::npos;
  }
  void publish(const std::string& value) {
    const Lease lease = host.call.acquire(60s);
    ASSERT_TRUE(host.call.publish(make_record(loop, lease.fence, value), lease).stored);
  }

  test::Loop loop;
  test::RedisCluster cluster;
  test::Host host{loop, test::cluster_options(loop, cluster)};
};

TEST_F(ClusterWatched, NodeIsFlushed_LossIsReportedForItsTokensOnly) {
  std::map<std::string, test::RecordingListener> listeners;
  for (const std::string& name : tokens_everywhere()) {
    host.coordinator.subscribe(name, &listeners[name]);
    ASSERT_TRUE(loop.eventually([&] { return subscribed(cluster.holder(RedisKeys("jeton", name).token)); }));
    ASSERT_TRUE(loop.turn_until([&] { return listeners[name].gaps > 0; }));
  }
  std::map<std::string, int> losses;
  for (const auto& [flushed, listener] : listeners) {
    cluster.holder(RedisKeys("jeton", flushed).token).cli({"FLUSHALL"});
    const int expected = ++losses[flushed];
    const test::RecordingListener& heard = listener;  // clang 14 cannot capture a structured binding
    EXPECT_TRUE(loop.turn_until([&] { return heard.losses == expected; })) << flushed;
    for (const auto& [name, other] : listeners) EXPECT_EQ(other.losses, losses[name]) << name;
  }
}

TEST_F(ClusterWatched, DeletedAfterAPublication_OnlyTheDeletionIsALoss) {
  listen();
  for (int round = 1; round <= 3; ++round) {
    publish("x");
    ASSERT_TRUE(loop.turn_until([&] { return host.listener.records.size() == static_cast<std::size_t>(round); }));
    // Comes behind what the publication caused, on every connection.
    ASSERT_TRUE(loop.turn_until([&] {
      const int heard = host.listener.releases;
      cluster.holder(token).cli({"PUBLISH", channel, "{\"type\":\"release\",\"owner\":\"x\"}"});
      return loop.turn_until([&] { return host.listener.releases > heard; });
    }));
    EXPECT_EQ(host.listener.losses, round - 1);
    cluster.holder(token).cli({"DEL", token});
    EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses == round; }));
  }
}

TEST_F(ClusterWatched, SlotMoves_IsWatchedOnItsNewNode) {
  listen();
  publish("x");
  test::RedisServer& from = cluster.holder(token);
  test::RedisServer& to = cluster.other_than({&from});
  const int losses = host.listener.losses;
  cluster.move_slot(cluster.slot_of(token), from, to);
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses > losses; })) << "the key left its node";
  const int gaps = host.listener.gaps;
  EXPECT_TRUE(host.call.load()) << "what an agent does about it";
  EXPECT_TRUE(loop.eventually([&] { return subscribed(to) && host.listener.gaps > gaps; }));
  EXPECT_TRUE(loop.eventually([&] { return watches(from) == 0; })) << "nothing of ours is there any more";
  const int before = host.listener.losses;
  from.cli({"FLUSHALL"});
  to.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses == before + 1; }));
}

TEST_F(ClusterWatched, ReplicaTakesOver_IsWatchedWithoutAnyCommand) {
  listen();
  publish("x");
  test::RedisServer& primary = cluster.holder(token);
  test::RedisServer& replica = cluster.add_replica(primary);
  const int gaps = host.listener.gaps;
  primary.kill();
  ASSERT_TRUE(loop.eventually([&] { return subscribed(replica) && host.listener.gaps > gaps; }));
  const int losses = host.listener.losses;
  replica.cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.losses > losses; }));
}

TEST_F(ClusterWatched, TwoTokensAreOnOneNode_OneConnectionWatchesBoth) {
  test::RecordingListener other;
  host.coordinator.subscribe("t", &host.listener);
  // The same slot, and so the same node.
  const std::string neighbour = [&] {
    for (int i = 0;; ++i) {
      std::string name = "n" + std::to_string(i);
      if (&cluster.holder(RedisKeys("jeton", name).token) == &cluster.holder(token)) return name;
    }
  }();
  host.coordinator.subscribe(neighbour, &other);
  ASSERT_TRUE(loop.turn_until([&] { return other.gaps > 0 && host.listener.gaps > 0; }));
  ASSERT_TRUE(loop.eventually([&] { return subscribed(cluster.holder(token), 2); }));
  cluster.holder(token).cli({"FLUSHALL"});
  EXPECT_TRUE(loop.turn_until([&] { return other.losses > 0 && host.listener.losses > 0; }));
  for (std::size_t i = 0; i < test::RedisCluster::primaries(); ++i) {
    const bool in_use = &cluster.primary(i) == &cluster.holder(token);
    EXPECT_EQ(watches(cluster.primary(i)), in_use ? 1 : 0);
  }
  host.coordinator.subscribe("t", nullptr);
  host.coordinator.subscribe(neighbour, nullptr);
  EXPECT_TRUE(loop.eventually([&] { return watches(cluster.holder(token)) == 0; }));
}

}  // namespace
}  // namespace jeton::agent
