// A lock that is lost while it is held: the handle reports it, and so does its descriptor.
#include <poll.h>
#include <signal.h>

#include "tests/integration/client_locks/client_host.hpp"
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
  for (int looks = 0; !lock.lost(); ++looks) {
    if (looks == 1000 || !is_readable(fd, patience)) return false;
  }
  return is_readable(fd, milliseconds(0));  // and stays so
}

TEST_F(Locks, AgentIsKilled_IsLostAtOnceAndItsDescriptorSaysSo) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const int fd = one.event_fd();
  host.agent().kill();
  EXPECT_TRUE(is_readable(fd, patience));
  EXPECT_TRUE(one.lost());  // long before its TTL
  EXPECT_NE(one.reason(), "");
  EXPECT_EQ(one.unlock(), JETON_LOCK_LOST);
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_NO_AGENT);
}

TEST_F(Locks, AgentHangs_IsLostWhenItsTimeIsOver) {
  Lock one = lock("job", seconds(6));
  ASSERT_TRUE(one.try_lock());
  host.agent().signal(SIGSTOP);
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_NE(one.reason().find("renew"), std::string::npos) << one.reason();
  host.agent().signal(SIGCONT);
  // The same handle takes it again.
  ASSERT_TRUE(one.lock_for(patience));
  EXPECT_FALSE(one.lost()) << one.reason();
}

TEST_F(Locks, AgentHangs_TryGivesUp) {
  Lock one = lock();
  host.agent().signal(SIGSTOP);
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_AGENT_STALE);
  host.agent().signal(SIGCONT);
  EXPECT_TRUE(one.lock_for(patience));
}

TEST_F(Locks, AgentStops_HolderIsAskedToEnd) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  host.agent().signal(SIGTERM);
  EXPECT_TRUE(loop_sees_the_loss(one));
  EXPECT_EQ(host.agent().wait(), 0);
}

// As many renewals as no socket's buffer holds: a reader that comes late must not take old news for a loss. That the
// agent does not drop it is shown by LockStream (tests/unit/api).
TEST_F(Locks, NewsIsNotRead_IsNotLost) {
  Lock one = lock("job", seconds(60));
  ASSERT_TRUE(one.try_lock());
  const std::string owner = one.owner();
  // Each is news; together they are more than the socket of a connection holds.
  for (int i = 0; i < 2000; ++i) {
    const auto socket = host.agent().runtime_dir() / "agent.sock";
    const auto extended =
        unix_http_post(socket, "/v1/locks/job/extend", R"({"owner":")" + owner + R"(","ttl_ms":60000})");
    ASSERT_EQ(extended.status, 200) << extended.body;
  }
  EXPECT_EQ(one.owner(), owner);
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_TRUE(one.unlock().ok()) << one.reason();
  EXPECT_TRUE(lock().try_lock()) << host.agent().log();
}

}  // namespace
}  // namespace jeton::test
