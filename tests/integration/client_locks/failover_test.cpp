// A failover of Redis that loses what the old primary knew of a lock (lock scenario 21).
#include "tests/integration/client_locks/fleet_locks.hpp"
#include "tests/support/sentinel_deployment.hpp"

namespace jeton::test {
namespace {

AgentSettings agent_of(const SentinelDeployment& redis) {
  AgentSettings settings;
  settings.redis = redis.yaml();
  return settings;
}

TEST(LocksOverAFailover, TheFenceRisesThoughTheCounterIsLost) {
  SentinelDeployment redis;
  const LockAgent agent(agent_of(redis), every_lock);
  const std::string counter = LockServers::key() + ":fence";
  redis.cut_replication(0);  // from now on what a failover finds is what was there
  Lock one = agent.lock("job", std::chrono::hours(1));
  ASSERT_TRUE(eventually([&] { return one.acquire(milliseconds(0)).ok(); })) << one.reason();
  const Fence before = one.fence();
  ASSERT_EQ(redis.server(0).cli({"GET", counter}), std::to_string(before));
  for (const std::size_t i : {1U, 2U}) ASSERT_EQ(redis.server(i).cli({"GET", counter}), "");
  redis.server(0).kill();
  ASSERT_TRUE(eventually([&] { return redis.primary().value_or(0) != 0; }));
  Lock next = agent.lock("job");
  EXPECT_TRUE(eventually([&] { return next.acquire(milliseconds(0)).ok(); })) << next.reason();
  EXPECT_GT(next.fence(), before);
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_FALSE(next.lost()) << next.reason();
}

}  // namespace
}  // namespace jeton::test
