// Real agents on a real Redis Cluster whose slots move and whose nodes die.
#include <sstream>

#include "tests/integration/fleet/fleet.hpp"
#include "tests/support/redis_cluster.hpp"

namespace jeton::test {
namespace {

class FleetCluster : public FleetTest {
 protected:
  static constexpr const char* token = "jeton:{api}:token";

  void start(const FaultProvider& provider) {
    for (int i = 0; i < 3; ++i) {
      add_agent({.redis = "{timeout: 500ms, cluster: {endpoints: " + cluster.endpoints() + "}}",
                 .token_url = provider.url(),
                 .source_extra = unhurried_source});
    }
    start_all();
    ASSERT_TRUE(eventually([&] { return all_valid(); }));
    for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(300)));
  }
  // Readers of every agent have a token newer than this one.
  [[nodiscard]] bool all_above(std::uint64_t generation) const {
    return eventually([&] { return have_read_beyond(readers, generation); });
  }
  [[nodiscard]] std::uint64_t newest() const {
    std::uint64_t generation = 0;
    for (const auto& agent : agents) generation = std::max(generation, agent->generation());
    return generation;
  }
  // No reader saw an old token after a new one, or none at all.
  void expect_readers_undisturbed() {
    for (const auto& reader : readers) expect_undisturbed(reader->report(true));
  }

  RedisCluster cluster;
  Readers readers;
};

TEST_F(FleetCluster, SlotMovesDuringARotation_CostsNoFetch) {
  FaultProvider provider({.lifetime = seconds(600)});
  start(provider);
  const auto before = newest();
  RedisServer& from = cluster.holder(token);
  RedisServer& to = cluster.other_than({&from});
  // The slot moves while the winner asks the provider.
  provider.behave(Behaviour::slow(seconds(60)), 1);
  ask_for_new_token(*agents.front());
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 2; }));
  cluster.move_slot(cluster.slot_of(token), from, to);
  provider.end_delays();
  EXPECT_TRUE(all_above(before));
  ask_for_new_token(*agents.back());
  EXPECT_TRUE(all_above(newest())) << "the rotation after it";
  EXPECT_FALSE(to.cli({"HGET", token, "generation"}).empty());
  expect_readers_undisturbed();
  EXPECT_EQ(provider.counts().requests, 3U);
  EXPECT_TRUE(publishes_all_of(provider)) << "a token that was fetched and not published";
}

TEST_F(FleetCluster, ReplicaTakesOver_IsFollowedAndGenerationsNeverGoBack) {
  RedisServer& holder = cluster.holder(token);
  static_cast<void>(cluster.add_replica(holder));
  FaultProvider provider({.lifetime = seconds(600)});
  start(provider);
  const auto before = newest();
  holder.kill();
  ask_for_new_token(*agents.front());
  EXPECT_TRUE(all_above(before));
  EXPECT_EQ(provider.counts().requests, 2U);
  expect_readers_undisturbed();
}

TEST_F(FleetCluster, NodeWithoutTheTokenDies_RefreshSucceeds) {
  FaultProvider provider({.lifetime = seconds(600)});
  start(provider);
  const auto before = newest();
  cluster.other_than({&cluster.holder(token), &cluster.holder("jeton:{clock}")}).kill();
  ask_for_new_token(*agents.front());
  EXPECT_TRUE(all_above(before));
  EXPECT_EQ(provider.counts().requests, 2U);
  expect_readers_undisturbed();
}

// Tokens on every node, so that each of them has one to lose. How soon a record is back that a server says to be lost
// is shown in virtual time (RedisOutage.RecordIsDeletedOrFlushed_IsBackWithinASecond).
TEST_F(FleetCluster, NodeIsFlushed_AgentsHearOfItAndGiveTheRecordBack) {
  FaultProvider provider({.lifetime = seconds(600)});
  const std::string source = "    source: {type: http, url: '" + provider.url() + "'}\n";
  const auto key = [](const std::string& name) { return "jeton:{" + name + "}:token"; };
  std::vector<std::string> names{"api"};
  std::vector<const RedisServer*> used{&cluster.holder(key("api"))};
  std::string more;
  for (int i = 0; names.size() < RedisCluster::primaries(); ++i) {
    const std::string name = "t" + std::to_string(i);
    const RedisServer& holder = cluster.holder(key(name));
    if (std::find(used.begin(), used.end(), &holder) != used.end()) continue;
    names.push_back(name);
    used.push_back(&holder);
    more += "  " + name + ":\n" + source;
  }
  for (int i = 0; i < 3; ++i) {
    add_agent({.redis = "{timeout: 500ms, cluster: {endpoints: " + cluster.endpoints() + "}}",
               .token_url = provider.url(),
               .token_extra = more});
  }
  start_all();
  // Agents that watch so many tokens there, each of which listens to the invalidations too. 0: that watch at all.
  const auto watch = [](const RedisServer& node, int tokens) {
    std::istringstream list(node.cli({"CLIENT", "LIST", "TYPE", "pubsub"}));
    const std::string subscriptions = " sub=" + std::to_string(tokens + 1) + " ";
    std::size_t count = 0;
    for (std::string client; std::getline(list, client);) {
      if (client.find("name=jeton-agent-watch") == std::string::npos) continue;
      if (tokens == 0 || client.find(subscriptions) != std::string::npos) ++count;
    }
    return count;
  };
  // Every agent hears of this token.
  const auto all_hear = [&](const std::string& name) {
    const std::string first_look =
        "messages of the fleet may have been missed; reading the record token=" + name + "\n";
    return std::all_of(agents.begin(), agents.end(),
                       [&](const auto& a) { return a->log().find(first_look) != std::string::npos; });
  };
  for (const std::string& name : names) {
    EXPECT_TRUE(eventually([&] { return all_hear(name); })) << name;
    ASSERT_TRUE(eventually([&] { return cluster.holder(key(name)).cli({"EXISTS", key(name)}) == "1"; })) << name;
    EXPECT_TRUE(eventually([&] { return watch(cluster.holder(key(name)), 1) == agents.size(); })) << name;
    // An agent that has no token yet would fetch one when the record is gone.
    ASSERT_TRUE(eventually([&] { return all_valid(name); })) << name;
  }
  const auto lose_and_await = [&](const std::string& name) {
    RedisServer& node = cluster.holder(key(name));
    const std::string told =
        "the coordinator may have lost the record; a host of the fleet repairs it token=" + name + "\n";
    const std::size_t before = times_logged(told);
    node.cli({"FLUSHALL"});
    EXPECT_TRUE(eventually([&] { return times_logged(told) >= before + agents.size(); })) << name;
    EXPECT_TRUE(eventually([&] { return node.cli({"EXISTS", key(name)}) == "1"; })) << name;
  };
  for (const std::string& name : names) lose_and_await(name);

  RedisServer& from = cluster.holder(key("api"));
  RedisServer& to = cluster.other_than({&from});
  cluster.move_slot(cluster.slot_of(key("api")), from, to);
  // Every agent had one token there and has it here now.
  ASSERT_TRUE(eventually([&] { return watch(from, 0) == 0 && watch(to, 2) == agents.size(); }));
  lose_and_await("api");
  EXPECT_EQ(provider.counts().requests, names.size());
}

}  // namespace
}  // namespace jeton::test
