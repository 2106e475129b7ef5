// A lock that is lost while it is held is known to be lost, whoever fails (lock scenarios 16 to 18).
#include <poll.h>
#include <signal.h>

#include "tests/integration/client_locks/lock_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

bool is_readable(int fd, milliseconds limit) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(limit.count())) > 0;
}

// Waits as an event loop does: looks at the lock only when its descriptor says that there is something to see.
bool loop_sees_the_loss(const Lock& lock) {
  const int fd = lock.event_fd();
  while (!lock.lost()) {
    if (!is_readable(fd, patience)) return false;
  }
  return is_readable(fd, milliseconds(0));  // and stays so
}

TEST_P(Locks, IsRenewedForAsLongAsItIsHeldAndIsNotAskedAfter) {
  Lock one = lock("job", milliseconds(300));
  ASSERT_TRUE(one.try_lock());
  const std::string owner = one.owner();
  for (int i = 0; i < 5; ++i) {
    ::poll(nullptr, 0, 300);
    EXPECT_FALSE(lock().try_lock());
  }
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_EQ(one.owner(), owner);
  EXPECT_TRUE(one.unlock().ok());
}

TEST_P(Locks, TheAgentsDeathIsTheLockslossAtOnce) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const int fd = one.event_fd();
  agent->process().kill();
  EXPECT_TRUE(is_readable(fd, patience));
  EXPECT_TRUE(one.lost());  // long before its time to live
  EXPECT_NE(one.reason(), "");
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_NO_AGENT);
}

TEST_P(Locks, AnAgentThatHangsLosesItWhenItsTimeIsOver) {
  Lock one = lock("job", milliseconds(500));
  ASSERT_TRUE(one.try_lock());
  agent->process().signal(SIGSTOP);
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_NE(one.reason().find("renew"), std::string::npos) << one.reason();
  agent->process().signal(SIGCONT);
  // The same handle takes it again, and is renewed again.
  ASSERT_TRUE(one.lock_for(patience));
  ::poll(nullptr, 0, 1500);
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_P(Locks, AWaiterOfAHungAgentGivesUp) {
  Lock one = lock();
  agent->process().signal(SIGSTOP);
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_AGENT_STALE);
  agent->process().signal(SIGCONT);
  EXPECT_TRUE(one.lock_for(patience));
}

TEST_P(Locks, AStoppingAgentAsksTheHolderToEnd) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  agent->process().signal(SIGTERM);
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_EQ(agent->process().wait(), 0);
}

TEST_F(RedisLocks, ADeletedKeyIsNoticedByTheNextRenewalAndNotMadeAgain) {
  Lock one = lock("job", milliseconds(600));
  ASSERT_TRUE(one.try_lock());
  redis.cli({"DEL", key()});
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_EQ(value(), "");
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
}

TEST_F(RedisLocks, AForeignValueIsNoticedAndLeftAlone) {
  Lock one = lock("job", milliseconds(600));
  ASSERT_TRUE(one.try_lock());
  redis.cli({"SET", key(), "another", "PX", "60000"});
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_EQ(value(), "another");
}

TEST_F(RedisLocks, ADeadRedisLosesItWithinTheTimeToLive) {
  Lock one = lock("job", milliseconds(600));
  ASSERT_TRUE(one.try_lock());
  redis.kill();
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_LOCK_UNAVAILABLE);  // an error, never "busy"
  redis.restart();
  EXPECT_TRUE(eventually([&] { return one.acquire(seconds(1)).ok(); })) << one.reason();
}

// As many renewals as no socket's buffer holds: the agent must neither wait for the reader nor drop it, and a reader
// that comes late must not take old news for a loss.
TEST_F(RedisLocks, IsNotLostBecauseNobodyReadsTheNews) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const std::string owner = one.owner();
  // Each is news; together they are more than the socket of a connection holds.
  for (int i = 0; i < 2000; ++i) {
    const auto socket = agent.process().runtime_dir() / "agent.sock";
    const auto extended =
        unix_http_post(socket, "/v1/locks/job/extend", R"({"owner":")" + owner + R"(","ttl_ms":60000})");
    ASSERT_EQ(extended.status, 200) << extended.body;
  }
  ::poll(nullptr, 0, 11'000);  // longer than the agent waits for a client that takes nothing
  EXPECT_EQ(value(), owner);
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  EXPECT_TRUE(eventually([&] { return value().empty(); })) << agent.process().log();
}

}  // namespace
}  // namespace jeton::test
