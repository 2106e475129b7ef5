// libjeton, a real agent and a real Redis: the status that each call returns when the server fails.
#include <signal.h>

#include "tests/integration/client_locks/client_host.hpp"
#include "tests/support/redis_proxy.hpp"

namespace jeton::test {
namespace {

struct LocksOnRedis : testing::Test {
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }
  [[nodiscard]] std::string value() const { return redis.cli({"GET", "jeton:lock:{job}"}); }
  // A process holds it, and gives it back; nothing of the release arrives.
  [[nodiscard]] std::unique_ptr<Process> begin_release() {
    auto holder = std::make_unique<Process>(host.worker("3600000", {"hold"}));
    EXPECT_TRUE(says(*holder, "held")) << holder->err();
    proxy.set(RedisProxy::Mode::held);
    holder->signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return proxy.holds(release_message); })) << "no release";
    return holder;
  }

  RedisServer redis;
  RedisProxy proxy{redis.port()};
  ClientHost host{coordination_on({proxy.url()})};
};

TEST_F(LocksOnRedis, OutOfReach_IsUnavailableAndNeitherBusyNorLost) {
  const ClientHost impatient(coordination_on({proxy.url()}, "500ms"));  // libjeton is told before it gives up
  Lock one = impatient.lock();
  ASSERT_TRUE(one.lock_for(patience));
  proxy.set(RedisProxy::Mode::refused);
  EXPECT_EQ(one.extend(seconds(60)), JETON_LOCK_UNAVAILABLE);
  EXPECT_EQ(impatient.lock("other").acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_F(LocksOnRedis, KeyIsDeleted_ExtensionIsALossWithItsCause) {
  Lock one = host.lock();
  ASSERT_TRUE(one.lock_for(patience));
  redis.cli({"DEL", "jeton:lock:{job}"});
  EXPECT_EQ(one.extend(seconds(60)), JETON_LOCK_LOST);
  EXPECT_NE(one.reason().find("was deleted"), std::string::npos) << one.reason();
}

TEST_F(LocksOnRedis, KeyIsAnothers_UnlockIsALossOnce) {
  Lock one = host.lock();
  ASSERT_TRUE(one.lock_for(patience));
  redis.cli({"SET", "jeton:lock:{job}", "another", "PX", "50000"});
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(one.unlock(), JETON_LOCK_NOT_HELD);
  EXPECT_EQ(value(), "another");
}

TEST_F(LocksOnRedis, ReleaseIsNotAnswered_UnlockHasADeadline) {
  Lock one = host.lock("job", std::chrono::hours(1));
  ASSERT_TRUE(one.lock_for(patience));
  proxy.set(RedisProxy::Mode::held);
  EXPECT_EQ(one.unlock(), JETON_AGENT_STALE);
  EXPECT_TRUE(one.lost());
  EXPECT_NE(value(), "");
  proxy.set(RedisProxy::Mode::open);
  EXPECT_TRUE(eventually([&] { return value().empty(); })) << "long before its TTL";
}

TEST_F(LocksOnRedis, ApplicationIsKilledWhileItReleases_IsGivenBack) {
  const auto holder = begin_release();
  holder->kill();
  proxy.set(RedisProxy::Mode::open);
  EXPECT_TRUE(eventually([&] { return value().empty(); })) << "long before its TTL";
}

TEST_F(LocksOnRedis, AgentIsKilledWhileItReleases_IsNoLoss) {
  const auto holder = begin_release();
  host.agent().kill();
  EXPECT_EQ(holder->wait(), 0) << "an unconfirmed release is no loss";
}

}  // namespace
}  // namespace jeton::test
