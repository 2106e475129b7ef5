// Real agents on a real Redis Cluster whose slots move and whose nodes die.
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
                 .refresh = rotation});
    }
    start_all();
    ASSERT_TRUE(eventually([&] { return all_valid(); }));
    for (const auto& agent : agents) readers.push_back(std::make_unique<ReaderProcess>(*agent, seconds(100)));
  }
  // Every agent has a token newer than this one.
  [[nodiscard]] bool all_above(std::uint64_t generation) const {
    return eventually([&] {
      return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a->generation() > generation; });
    });
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
  std::vector<std::unique_ptr<ReaderProcess>> readers;
};

TEST_F(FleetCluster, ASlotThatMovesDuringARotationCostsNoFetch) {
  FaultProvider provider({.lifetime = rotating_lifetime});
  start(provider);
  const auto before = newest();
  RedisServer& from = cluster.holder(token);
  RedisServer& to = cluster.other_than({&from});
  // The provider is slow enough that the slot moves while the winner asks it.
  provider.behave(Behaviour::slow(milliseconds(700)));
  ASSERT_TRUE(eventually([&] { return updater() != nullptr; }));
  cluster.move_slot(cluster.slot_of(token), from, to);
  EXPECT_TRUE(all_above(before));
  EXPECT_TRUE(all_above(newest()));  // and the rotation after it
  EXPECT_FALSE(to.cli({"HGET", token, "generation"}).empty());
  expect_readers_undisturbed();
  const auto counts = provider.counts();
  EXPECT_EQ(counts.requests, counts.issued);
  EXPECT_TRUE(publishes_all_of(provider)) << "a token that was fetched and not published";
}

TEST_F(FleetCluster, AReplicaThatTakesOverIsFollowedAndGenerationsNeverGoBack) {
  RedisServer& holder = cluster.holder(token);
  static_cast<void>(cluster.add_replica(holder));
  FaultProvider provider({.lifetime = rotating_lifetime});
  start(provider);
  const auto before = newest();
  holder.kill();
  EXPECT_TRUE(all_above(before));
  EXPECT_EQ(provider.counts().requests, 2U);
  expect_readers_undisturbed();
}

TEST_F(FleetCluster, ANodeThatHoldsNothingOfTheTokenMayDie) {
  FaultProvider provider({.lifetime = rotating_lifetime});
  start(provider);
  const auto before = newest();
  cluster.other_than({&cluster.holder(token), &cluster.holder("jeton:{clock}")}).kill();
  EXPECT_TRUE(all_above(before));
  EXPECT_EQ(provider.counts().requests, 2U);
  expect_readers_undisturbed();
}

// Tokens on every node, so that each of them has one to lose.
TEST_F(FleetCluster, ANodeThatWasFlushedHasItsRecordBackLongBeforeAnyPoll) {
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
  const auto watched = [](const RedisServer& node) {
    const std::string list = node.cli({"CLIENT", "LIST", "TYPE", "pubsub"});
    std::size_t count = 0;
    for (std::size_t at = 0; (at = list.find("name=jeton-agent-watch", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  for (const std::string& name : names) {
    ASSERT_TRUE(eventually([&] { return cluster.holder(key(name)).cli({"EXISTS", key(name)}) == "1"; })) << name;
    EXPECT_TRUE(eventually([&] { return watched(cluster.holder(key(name))) == agents.size(); })) << name;
    // An agent that has no token yet would fetch one when the record is gone.
    ASSERT_TRUE(eventually([&] { return all_valid(name); })) << name;
  }
  const auto lose_and_await = [&](const std::string& name) {
    RedisServer& node = cluster.holder(key(name));
    node.cli({"FLUSHALL"});
    const auto since = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return node.cli({"EXISTS", key(name)}) == "1"; }, seconds(15))) << name;
    const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - since);
    std::printf("%s was back in %lld ms\n", name.c_str(), static_cast<long long>(took.count()));
  };
  for (const std::string& name : names) lose_and_await(name);

  RedisServer& from = cluster.holder(key("api"));
  RedisServer& to = cluster.other_than({&from});
  cluster.move_slot(cluster.slot_of(key("api")), from, to);
  // Every agent had one token there and has it here now.
  ASSERT_TRUE(eventually([&] { return watched(from) == 0 && watched(to) == agents.size(); }, seconds(15)));
  lose_and_await("api");
  EXPECT_EQ(provider.counts().requests, names.size());
}

}  // namespace
}  // namespace jeton::test
