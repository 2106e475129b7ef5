// Locks over a quorum of five servers: what a majority is, and what a minority can and cannot do (lock scenarios 22,
// 23).
#include <signal.h>

#include "tests/integration/client_locks/fleet_locks.hpp"

namespace jeton::test {
namespace {

struct QuorumLocks : testing::Test {
  QuorumLocks() { EXPECT_TRUE(reaches_all(agent, servers)) << agent.process().log(); }
  ~QuorumLocks() override {
    for (std::size_t i = 0; i < servers.size(); ++i) servers[i].signal(SIGCONT);
  }
  // Taken, and on every server.
  [[nodiscard]] bool take(Lock& lock) const {
    return eventually([&] { return lock.acquire(seconds(1)).ok(); }) &&
           eventually([&] { return servers.count(lock.owner()) == servers.size(); });
  }

  LockServers servers{5};
  LockAgent agent{agent_on(servers), every_lock};
};

TEST_F(QuorumLocks, IsWonIfAndOnlyIfAMajorityIsFree) {
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    SCOPED_TRACE(pattern);
    std::size_t taken = 0;
    for (unsigned i = 0; i < 5; ++i) {
      servers[i].cli({"DEL", servers.key()});
      if ((pattern >> i & 1U) == 0) continue;
      servers[i].cli({"SET", servers.key(), "foreign", "PX", "3600000"});
      ++taken;
    }
    Lock one = agent.lock("job");
    if (taken <= 2) {
      EXPECT_TRUE(eventually([&] { return one.acquire(milliseconds(0)).ok(); })) << one.reason();
      EXPECT_TRUE(one.unlock().ok()) << one.reason();
    } else {
      EXPECT_EQ(one.acquire(milliseconds(0)), JETON_LOCK_BUSY) << one.reason();
    }
    EXPECT_TRUE(eventually([&] { return servers.count("") == 5 - taken && servers.count("foreign") == taken; }));
    for (unsigned i = 0; i < 5; ++i) {
      if ((pattern >> i & 1U) == 0) continue;
      EXPECT_GT(std::stol(servers[i].cli({"PTTL", servers.key()})), 3'000'000);
    }
  }
}

TEST_F(QuorumLocks, IsTakenRenewedAndGivenBackWhileAMinorityIsStoppedOrKilled) {
  servers[0].signal(SIGSTOP);
  servers[3].kill();
  Lock one = agent.lock("job", seconds(2));
  ASSERT_TRUE(eventually([&] { return one.acquire(seconds(1)).ok(); })) << one.reason();
  const auto left = [&] { return std::stol(servers[1].cli({"PTTL", servers.key()})); };
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(eventually([&] { return left() < 1'500; }));
    EXPECT_TRUE(eventually([&] { return left() > 1'600; })) << "not renewed";
  }
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_TRUE(one.extend(seconds(30)).ok()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  for (const std::size_t i : {1U, 2U, 4U}) {
    EXPECT_TRUE(eventually([&] { return servers[i].cli({"GET", servers.key()}).empty(); }));
  }
}

TEST_F(QuorumLocks, IsTakenWhileAMinorityRefusesOrSwallowsWhatIsSent) {
  servers.proxy(1).set(RedisProxy::Way::refused);
  servers.proxy(2).set(RedisProxy::Way::held);
  Lock one = agent.lock("job");
  ASSERT_TRUE(eventually([&] { return one.acquire(milliseconds(0)).ok(); })) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
}

TEST_F(QuorumLocks, WithoutAMajorityIsAnErrorAndNotBusy) {
  Lock held = agent.lock("job", seconds(60));
  ASSERT_TRUE(take(held));
  for (const std::size_t i : {0U, 2U, 4U}) servers[i].kill();
  EXPECT_EQ(agent.lock("other").acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
  EXPECT_EQ(agent.lock("job").acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
  EXPECT_EQ(held.extend(seconds(60)), JETON_LOCK_UNAVAILABLE);
  EXPECT_FALSE(held.lost()) << held.reason();
}

TEST_F(QuorumLocks, IsGivenBackToAMinorityThatRestartsEmpty) {
  Lock one = agent.lock("job", seconds(3));
  ASSERT_TRUE(take(one));
  for (const std::size_t i : {1U, 4U}) servers[i].restart();
  EXPECT_TRUE(eventually([&] { return servers.count(one.owner()) == 5; }));
  EXPECT_FALSE(one.lost()) << one.reason();
}

}  // namespace
}  // namespace jeton::test
