// What the holder of a lock is told when its agent cannot talk to Redis: an error that is neither "busy" nor "lost",
// and nothing is left behind (lock scenarios 11, 23 and 24).
#include "tests/integration/client_locks/fleet_locks.hpp"

namespace jeton::test {
namespace {

TEST_P(FleetLocks, TwoBrokenConnectionsInARowAreNoLossAndThenTheExtensionSucceeds) {
  Lock one = lock();
  ASSERT_TRUE(take(one));
  servers.cli({"CLIENT", "KILL", "TYPE", "normal"});
  servers.set(RedisProxy::Way::refused);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(one.extend(seconds(50)), JETON_LOCK_UNAVAILABLE);
    EXPECT_FALSE(one.lost()) << one.reason();
  }
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return one.extend(std::chrono::hours(1)).ok(); })) << one.reason();
  EXPECT_GT(servers.pttl(), 60'000);
  EXPECT_EQ(servers.value(), one.owner());
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_P(FleetLocks, ABrokenConnectionForEverIsNeitherBusyNorLostWhileTheLeaseIsValid) {
  Lock one = lock();
  Lock other = lock("other");
  ASSERT_TRUE(take(one));
  servers.set(RedisProxy::Way::refused);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(one.extend(seconds(60)), JETON_LOCK_UNAVAILABLE);
    EXPECT_EQ(other.acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
    EXPECT_EQ(other.acquire(milliseconds(100)), JETON_LOCK_UNAVAILABLE);
  }
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_EQ(servers.value(), one.owner());
}

TEST_P(FleetLocks, WhatWasTakenThoughTheAnswerWasLostIsGivenBack) {
  const auto before = counters();
  servers.set(RedisProxy::Way::deaf);
  Lock one = lock("job", std::chrono::hours(1));
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
  EXPECT_TRUE(eventually([&] { return counters() != before; })) << "it was not taken: nothing is shown";
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
  EXPECT_TRUE(can_be_had(agent));
}

TEST_P(FleetLocks, EveryStepWorksThoughTheServerForgotItsScripts) {
  const auto forget = [&] { servers.cli({"SCRIPT", "FLUSH"}); };
  forget();
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(take(one));
  forget();
  EXPECT_TRUE(one.extend(seconds(3)).ok());
  forget();
  EXPECT_TRUE(eventually([&] { return servers.pttl() < 2'500; }));
  EXPECT_TRUE(eventually([&] { return servers.pttl() > 2'600; })) << "not renewed";
  forget();
  EXPECT_FALSE(lock().try_lock());
  forget();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); }));
}

TEST_P(FleetLocks, AServerThatForgetsEveryScriptIsAnErrorAfterOneReload) {
  const std::string taking = "local function take";
  servers.set(RedisProxy::Way::forgetful);
  servers.cli({"SCRIPT", "FLUSH"});
  const std::size_t before = servers.proxy(0).scripts_sent(taking);
  Lock one = lock("job", seconds(2));
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
  EXPECT_NE(one.reason().find("NOSCRIPT"), std::string::npos) << one.reason();
  EXPECT_EQ(servers.proxy(0).scripts_sent(taking), before + 1);
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(can_be_had(agent));
}

INSTANTIATE_TEST_SUITE_P(On, FleetLocks, testing::Values("redis", "redlock"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace jeton::test
