// kill -9 of everyone, in every state: nobody holds what it lost, and nothing stays locked beyond its time to live.
// What befalls a holder is in process_test.cpp (the application), loss_test.cpp (the agent) and lost_data_test.cpp
// (Redis).
#include "tests/integration/client_locks/fleet_locks.hpp"

namespace jeton::test {
namespace {

bool says_in_time(const Process& process, const std::string& text) {
  return eventually([&] { return process.out().find(text) != std::string::npos; });
}

TEST_P(Locks, AnApplicationKilledWhileItWaitsStandsInNobodysWay) {
  Lock holder = lock();
  ASSERT_TRUE(holder.lock_for(patience));
  Lock behind = lock();
  Process waiter(worker(*agent, "60000", {"wait"}));
  ASSERT_TRUE(says_in_time(waiter, "waiting"));
  ASSERT_TRUE(behind.start(seconds(60)).ok());
  waiter.kill();
  EXPECT_TRUE(holder.unlock().ok()) << holder.reason();
  EXPECT_TRUE(eventually([&] { return behind.check().ok(); })) << behind.reason();
}

TEST_P(Locks, AnAgentKilledWhileOneWaitsSaysSoToTheWaiter) {
  Lock holder = lock("job", seconds(2));
  ASSERT_TRUE(holder.lock_for(patience));
  Lock waiter = lock();
  ASSERT_TRUE(waiter.start(std::chrono::hours(1)).ok());
  ASSERT_TRUE(eventually([&] { return waiter.check() == JETON_LOCK_WAITING; }));
  agent->process().kill();
  EXPECT_TRUE(eventually([&] { return waiter.check() == JETON_NO_AGENT; })) << waiter.reason();
  EXPECT_TRUE(waiter.lost());
  EXPECT_TRUE(holder.lost());
  agent->process().start();
  EXPECT_TRUE(lock().lock_for(patience)) << "within its time to live";
}

TEST_P(FleetLocks, RedisKilledWhileOneWaitsIsAskedAgainWhenItIsBack) {
  Lock holder = lock("job", seconds(2));
  ASSERT_TRUE(take(holder));
  Lock waiter = lock();
  ASSERT_TRUE(waiter.start(std::chrono::hours(1)).ok());
  ASSERT_TRUE(eventually([&] { return waiter.check() == JETON_LOCK_WAITING; }));
  servers.kill_majority();
  EXPECT_TRUE(eventually([&] { return holder.lost(); }));
  EXPECT_EQ(waiter.check(), JETON_LOCK_WAITING) << waiter.reason();
  servers.restart_majority();
  EXPECT_TRUE(eventually([&] { return waiter.check().ok(); })) << waiter.reason();
  EXPECT_GT(waiter.fence(), holder.fence());
  EXPECT_EQ(holder.check(), JETON_LOCK_LOST);
}

TEST_P(FleetLocks, AnApplicationKilledWhileItReleasesHasItGivenBack) {
  Process holder(worker(agent, "3600000", {"hold"}));
  ASSERT_TRUE(says_in_time(holder, "held")) << holder.err();
  servers.set(RedisProxy::Way::held);
  holder.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return servers.proxy(0).holds("release"); })) << "no release";
  holder.kill();
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); })) << "long before its time to live";
}

TEST_P(FleetLocks, AnAgentKilledWhileItReleasesLeavesTheLockToItsTimeToLive) {
  const auto other = other_host();
  Process holder(worker(agent, "3000", {"hold"}));
  ASSERT_TRUE(says_in_time(holder, "held")) << holder.err();
  servers.set(RedisProxy::Way::held);
  holder.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return servers.proxy(0).holds("release"); })) << "no release";
  agent.process().kill();
  EXPECT_EQ(holder.wait(), 0) << "nobody confirmed: no loss";
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(can_be_had(*other));
}

TEST_P(FleetLocks, RedisKilledWhileALockIsReleasedHasNothingLeftOfIt) {
  Process holder(worker(agent, "3600000", {"hold"}));
  ASSERT_TRUE(says_in_time(holder, "held")) << holder.err();
  servers.set(RedisProxy::Way::held);
  holder.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return servers.proxy(0).holds("release"); })) << "no release";
  servers.kill_majority();
  servers.restart_majority();
  servers.set(RedisProxy::Way::open);
  static_cast<void>(holder.wait());  // 0, or 4: whether it was lost before, nobody can say
  EXPECT_TRUE(can_be_had(agent));
}

TEST_P(FleetLocks, AnApplicationKilledInTheMiddleOfItsRequestLeavesNoKey) {
  const auto before = counters();
  servers.set(RedisProxy::Way::held);
  Process one(worker(agent, "3600000", {"hold"}));
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ASSERT_TRUE(eventually([&] { return servers.proxy(i).holds("3600000"); })) << "no acquisition";
  }
  one.kill();
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return counters() != before; })) << "it was not taken: nothing is shown";
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  EXPECT_TRUE(can_be_had(agent));
}

}  // namespace
}  // namespace jeton::test
