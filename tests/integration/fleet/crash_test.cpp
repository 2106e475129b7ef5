// Agents that are killed or frozen at the worst moment.
#include <sys/stat.h>

#include "tests/integration/fleet/fleet.hpp"

namespace jeton::test {
namespace {

struct FleetCrash : FleetTest {
  RedisServer redis;
};

ino_t inode_of(const std::filesystem::path& file) {
  struct stat st {};
  return ::stat(file.c_str(), &st) == 0 ? st.st_ino : 0;
}

TEST_F(FleetCrash, AgentIsKilled_ReadersGoOnAndNextRunAdoptsTheSegment) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent({.redis_url = redis.tcp_url(), .token_url = provider.url()});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto generation = agent.generation();
  const ino_t segment = inode_of(agent.segment());
  ReaderProcess reader(agent, seconds(60));

  agent.kill();
  ReaderProcess late_reader(agent, milliseconds(300));  // opened while no agent runs
  expect_undisturbed(late_reader.report());
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));

  EXPECT_EQ(agent.generation(), generation);
  EXPECT_EQ(inode_of(agent.segment()), segment) << "the segment was replaced instead of adopted";
  EXPECT_TRUE(agent.logs("token of an earlier run found in the segment"));
  const auto report = reader.report(true);
  expect_undisturbed(report);
  EXPECT_EQ(report["serials"].size(), 1U);
  EXPECT_EQ(provider.counts().requests, 1U);
}

TEST_F(FleetCrash, LocalAgentIsKilled_NextRunAdoptsItsTokenWithoutAFetch) {
  FaultProvider provider({.lifetime = seconds(600)});
  AgentProcess& agent = add_agent({.token_url = provider.url()});
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto generation = agent.generation();
  agent.kill();
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(agent.generation(), generation);
  EXPECT_EQ(provider.counts().requests, 1U);
}

// That this takes no longer than the TTL of the lock:
// FleetRefresh.UpdaterDiesInMidFetch_IsReplacedWithinOneTtl.
TEST_F(FleetCrash, UpdaterIsKilledInMidFetch_IsReplaced) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::only(Behaviour::Kind::hang), 1);
  for (int i = 0; i < 3; ++i) {
    add_agent({.redis_url = redis.tcp_url(),
               .token_url = provider.url(),
               .source_extra = unhurried_source,
               .lock_ttl = "6s"});
  }
  start_all();
  AgentProcess* killed = nullptr;
  ASSERT_TRUE(eventually([&] { return (killed = updater()) != nullptr; }));
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 1; }));  // it has asked, not only decided to
  killed->kill();
  ASSERT_TRUE(eventually([&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a.get() == killed || a->valid(); });
  }));
  EXPECT_EQ(provider.counts().requests, 2U);
  EXPECT_EQ(provider.counts().issued, 1U);
}

TEST_F(FleetCrash, UpdaterIsTerminatedInMidFetch_LeavesNoLock) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  // A release that a busy server answers late is one all the same.
  const AgentSettings settings{.redis = "{endpoint: '" + redis.tcp_url() + "', timeout: 4s}",
                               .token_url = provider.url(),
                               .source_extra = unhurried_source,
                               .lock_ttl = "60s"};
  AgentProcess& holder = add_agent(settings);
  AgentProcess& waiter = add_agent(settings);
  for (const int signal : {SIGTERM, SIGINT}) {
    holder.start();
    ASSERT_TRUE(eventually([&] { return updater() == &holder; }));
    ASSERT_EQ(redis.cli({"EXISTS", "jeton:{api}:updater"}), "1");
    waiter.start();  // and one that waits
    waiter.signal(signal);
    EXPECT_EQ(waiter.wait(), 0);
    EXPECT_EQ(redis.cli({"EXISTS", "jeton:{api}:updater"}), "1") << "the waiter took the holder's lock away";
    holder.signal(signal);
    EXPECT_EQ(holder.wait(), 0);
    EXPECT_EQ(redis.cli({"EXISTS", "jeton:{api}:updater"}), "0");
  }
}

TEST_F(FleetCrash, UpdaterIsFrozenPastItsTtl_IsRefusedByItsFence) {
  FaultProvider provider({.lifetime = seconds(600)});
  provider.behave(Behaviour::slow(seconds(60)), 1);
  for (int i = 0; i < 3; ++i) {
    add_agent({.redis_url = redis.tcp_url(),
               .token_url = provider.url(),
               .source_extra = unhurried_source,
               .lock_ttl = "6s"});
  }
  start_all();
  AgentProcess* frozen = nullptr;
  ASSERT_TRUE(eventually([&] { return (frozen = updater()) != nullptr; }));
  ASSERT_TRUE(eventually([&] { return provider.counts().requests == 1; }));
  frozen->signal(SIGSTOP);
  const auto others_valid = [&] {
    return std::all_of(agents.begin(), agents.end(), [&](const auto& a) { return a.get() == frozen || a->valid(); });
  };
  ASSERT_TRUE(eventually(others_valid));
  const auto published = stored_generation(redis);
  ASSERT_GT(published, 0U);
  // The slow answer is issued now, so the frozen agent will have a token to publish.
  provider.end_delays();
  ASSERT_TRUE(eventually([&] { return provider.counts().issued == 2; }));

  frozen->signal(SIGCONT);
  ASSERT_TRUE(eventually([&] {
    const auto status = frozen->token();
    return status.is_object() && status["counters"]["publications_refused"] == 1;
  }));
  EXPECT_EQ(stored_generation(redis), published);
  for (const auto& agent : agents) EXPECT_EQ(agent->generation(), published);
  EXPECT_EQ(frozen->token()["counters"]["publications"], 0);
}

}  // namespace
}  // namespace jeton::test
