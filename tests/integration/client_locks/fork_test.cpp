// fork: the lock stays with the parent.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "libclient/src/cancel.hpp"
#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

template <typename F>
int in_child(F&& f, pid_t (*fork)() = ::fork) {
  const pid_t child = fork();
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

// Those that a child of fork has from its parent.
bool has_descriptors_of_a_lock() {
  for (int fd = 0; fd < 256; ++fd) {
    char link[32];
    char kind[32] = "";
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (::readlink(link, kind, sizeof kind - 1) < 0) continue;
    if (std::strstr(kind, "[eventpoll]") != nullptr || std::strstr(kind, "[timerfd]") != nullptr) return true;
  }
  return false;
}

TEST_F(Locks, ForkedWhileAThreadMakesADescriptor_ChildHasNone) {
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) {
      Lock one = lock();
      static_cast<void>(one.event_fd());
    }
  });
  int leaks = 0;
  for (int i = 0; i < 300; ++i) leaks += in_child([] { return has_descriptors_of_a_lock() ? 1 : 0; });
  done = true;
  other.join();
  EXPECT_EQ(leaks, 0);
}

// A raw clone(2) runs no handler.
TEST_F(Locks, ClonedWithADescriptorAndNoLock_ChildsLockIsNoNewsForTheParent) {
  Lock one = lock();
  const int fd = one.event_fd();
  EXPECT_EQ(in_child(
                [&] {
                  if (!one.start().ok()) return 1;
                  return eventually([&] { return !one.lost(); }) ? 0 : 2;
                },
                ::_Fork),
            0);
  pollfd ready{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
}

// The errors that jeton.h names, of every call that tells about a lock.
int calls_about_it_answer(jeton_lock* lock) {
  std::uint64_t fence = 7;
  char text[512] = "untouched";
  if (jeton_lock_fence(lock, nullptr, &fence) != JETON_LOCK_NOT_HELD || fence != 7) return 1;
  if (jeton_lock_owner(lock, nullptr, text, sizeof text) != JETON_LOCK_NOT_HELD || text[0] != 'u') return 2;
  if (jeton_lock_extend(lock, 1000) != JETON_LOCK_NOT_HELD) return 3;
  if (jeton_lock_check(lock) != JETON_LOCK_NOT_HELD || jeton_lock_lost(lock) != 1) return 4;
  if (jeton_lock_reason(lock, text, sizeof text) != JETON_OK || text[0] != '\0') return 5;
  if (jeton_lock_release(lock) != JETON_LOCK_NOT_HELD) return 6;
  return 0;
}

TEST_F(Locks, Forked_ChildKnowsNothingOfTheParentsLock) {
  // By a fork without its handlers, too, as a raw clone(2) is one.
  for (const auto fork : {&::fork, &::_Fork}) {
    Lock one = lock();
    ASSERT_TRUE(one.try_lock());
    EXPECT_EQ(in_child([&] { return calls_about_it_answer(one.handle()); }, fork), 0);
    EXPECT_FALSE(one.lost()) << one.reason();
    EXPECT_NE(one.fence(), 0U);
    EXPECT_EQ(one.owner().size(), 32U);
    EXPECT_TRUE(one.unlock().ok());
    EXPECT_EQ(in_child([&] { return calls_about_it_answer(one.handle()); }, fork), 0) << "nor of one given back";
    EXPECT_NE(one.fence(), 0U);
  }
}

// The child's own request is no continuation of the parent's lock.
TEST(ForkedLock, NextAgentHasNotConfirmedTheParentsLock_ChildHearsWhyItsOwnFailed) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n";
  std::atomic<int> unconfirmed{-1};
  const ScriptedAgent agent([&](int client, int connection) {
    ScriptedAgent::hear(client);
    if (connection == 0) {  // it holds the lock, and dies
      ScriptedAgent::say(client, head + R"({"event":"acquired","name":"job","owner":"me","fence":7,)" +
                                     R"("outlives_agent":true,"valid_until_boot_ms":9000000000000000})" + "\n");
    } else if (connection == 1) {  // the next one says nothing
      unconfirmed = ::dup(client);
    } else {
      ScriptedAgent::say(client, head + R"({"event":"failed","name":"job","reason":"the agent is stopping"})" + "\n");
    }
  });
  Lock one = lock_at(agent);
  ASSERT_TRUE(one.try_lock()) << one.reason();
  ASSERT_TRUE(eventually([&] { return !one.lost() && unconfirmed >= 0; })) << one.reason();
  EXPECT_EQ(in_child([&] {
              if (one.acquire(milliseconds(0)) != JETON_LOCK_UNAVAILABLE) return 1;
              return one.reason() == "the agent is stopping" ? 0 : 2;
            }),
            0);
  EXPECT_FALSE(one.lost()) << one.reason();
  ::close(unconfirmed);
}

TEST_F(Locks, Forked_CancelOfTheChildEndsNoWaitOfTheParent) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  Lock waiter = lock();
  Cancel cancel;
  EXPECT_EQ(waiter.acquire(milliseconds(0), &cancel), JETON_LOCK_BUSY);  // makes the descriptor
  const int fd = client::cancel_fd(cancel.handle());
  const auto is_readable = [](int which) {
    pollfd ready{which, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  };
  EXPECT_EQ(in_child([&] {
              const int own = client::cancel_fd(cancel.handle());
              if (own == fd || is_readable(own)) return 1;
              cancel.now();
              if (!is_readable(own) || is_readable(fd)) return 2;
              return waiter.acquire(std::nullopt, &cancel) == JETON_CANCELLED ? 0 : 3;
            }),
            0);
  EXPECT_FALSE(is_readable(fd)) << "a wait of the parent would never sleep again";
  EXPECT_EQ(waiter.acquire(milliseconds(0), &cancel), JETON_LOCK_BUSY);
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
