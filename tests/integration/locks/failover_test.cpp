// A failover of Redis that loses what the old primary knew of a lock (lock scenario 21).
#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/sentinel_deployment.hpp"

namespace jeton::test {
namespace {

class LockFailover : public testing::Test {
 protected:
  SentinelDeployment redis;
  LockHost host{"coordination:\n  backend: redis\n  redis: " + redis.yaml() + "\n"};
};

TEST_F(LockFailover, CounterIsLost_FenceRises) {
  const std::string counter = "jeton:lock:{job}:fence";
  Json before;
  redis.cut_replication(0);  // from now on what a failover finds is what was there
  ASSERT_TRUE(eventually([&] { return (before = host.acquire("job", "1h")).is_object(); })) << host.agent().log();
  ASSERT_NE(redis.server(0).cli({"GET", counter}), "");
  for (const std::size_t i : {1U, 2U}) ASSERT_EQ(redis.server(i).cli({"GET", counter}), "");
  redis.server(0).kill();
  ASSERT_TRUE(eventually([&] { return redis.primary().value_or(0) != 0; }));
  Json after;
  EXPECT_TRUE(eventually([&] { return (after = host.acquire("job", "1h")).is_object(); })) << host.agent().log();
  EXPECT_GT(after["fence"], before["fence"]);
  EXPECT_EQ(host.release("job", before), 5) << "the lock of before is not held any more";
  EXPECT_EQ(host.release("job", after), 0);
}

}  // namespace
}  // namespace jeton::test
