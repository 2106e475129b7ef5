// fork: the lock stays with the parent.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

template <typename F>
int in_child(F&& f) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST_F(Locks, Forked_ChildNeitherHoldsNorReleasesTheLock) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(in_child([&] {
              if (!one.lost()) return 1;
              if (one.unlock() != JETON_LOCK_NOT_HELD) return 2;
              if (one.acquire(milliseconds(0)) != JETON_LOCK_BUSY) return 3;
              Lock moved = std::move(one);  // and its end
              return 0;
            }),
            0);
  EXPECT_FALSE(one.lost()) << one.reason();
  EXPECT_FALSE(lock().try_lock());
  EXPECT_TRUE(one.unlock().ok());
}

TEST_F(Locks, Forked_ChildTakesLocksOfItsOwn) {
  Lock one = lock();
  Lock other = lock("other");
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(in_child([&] {
              if (!other.try_lock() || other.lost()) return 1;
              return other.unlock().ok() ? 0 : 2;
            }),
            0);
  EXPECT_EQ(other.check(), JETON_LOCK_NOT_HELD);
  EXPECT_TRUE(other.try_lock());
  EXPECT_FALSE(one.lost());
}

TEST_F(Locks, Forked_ChildLeavesTheParentsDescriptorAlone) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  const int fd = one.event_fd();
  EXPECT_EQ(in_child([&] {
              if (::fcntl(fd, F_GETFD) != -1) return 1;  // not even open
              return one.event_fd() >= 0 && one.lost() ? 0 : 2;
            }),
            0);
  host.agent().kill();
  EXPECT_TRUE(eventually([&] { return one.lost(); }));
}

TEST_F(Locks, ProgramIsStarted_InheritsNoDescriptor) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  EXPECT_NE(::fcntl(one.event_fd(), F_GETFD) & FD_CLOEXEC, 0);
  const RunResult listed = run({"sh", "-c", "ls -l /proc/self/fd"});
  EXPECT_EQ(listed.out.find("socket:"), std::string::npos) << listed.out;
  EXPECT_EQ(listed.out.find("eventpoll"), std::string::npos) << listed.out;
}

}  // namespace
}  // namespace jeton::test
