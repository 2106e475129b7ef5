// The connection of a handle between two locks: it is used again, or made anew without a word.
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

// The sockets of this process, each by its inode, with one of its descriptors.
std::map<ino_t, int> sockets() {
  std::map<ino_t, int> found;
  DIR* const directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) {
    const int fd = std::atoi(entry->d_name);
    struct stat status {};
    const bool is_open = entry->d_name[0] != '.' && fd != ::dirfd(directory) && ::fstat(fd, &status) == 0;
    if (is_open && S_ISSOCK(status.st_mode)) found.emplace(status.st_ino, fd);
  }
  ::closedir(directory);
  return found;
}

struct KeptConnections : Locks {
  // Of the handles of this process.
  [[nodiscard]] std::map<ino_t, int> own_sockets() const {
    std::map<ino_t, int> own = sockets();
    for (const auto& [inode, fd] : of_the_test) own.erase(inode);
    return own;
  }
  void take_and_give_back(Lock& one) const {
    ASSERT_TRUE(one.lock_for(patience)) << one.reason();
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
  }

  std::map<ino_t, int> of_the_test = sockets();
};

TEST_F(KeptConnections, HandleTakesItAgain_UsesTheSameConnection) {
  Lock one = lock();
  ASSERT_TRUE(one.try_lock());
  const auto first = own_sockets();
  EXPECT_EQ(first.size(), 1U);
  EXPECT_TRUE(one.unlock().ok());
  EXPECT_EQ(own_sockets(), first) << "kept";
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(own_sockets(), first) << "and used";
  EXPECT_FALSE(one.lost());
  EXPECT_TRUE(one.unlock().ok());
}

TEST_F(KeptConnections, HandleIsClosed_IsClosed) {
  {
    Lock one = lock();
    take_and_give_back(one);
    EXPECT_EQ(own_sockets().size(), 1U);
  }
  EXPECT_EQ(own_sockets().size(), 0U);
}

// The release is confirmed before unlock() returns, and the fence of the next one is higher.
TEST_F(KeptConnections, TwoHandlesTakeTurns_EachFindsItFree) {
  Lock one = lock();
  Lock other = lock();
  Fence last = 0;
  for (int turn = 0; turn < 200; ++turn) {
    Lock& next = turn % 2 == 0 ? one : other;
    Lock& waits = turn % 2 == 0 ? other : one;
    ASSERT_TRUE(next.try_lock()) << "turn " << turn;
    EXPECT_GT(next.fence(), last);
    last = next.fence();
    if (turn % 10 == 0) {
      EXPECT_FALSE(waits.try_lock());
    }
    ASSERT_TRUE(next.unlock().ok()) << next.reason();
  }
}

TEST_F(KeptConnections, SeveralNamesAndLongMetadata_AreTakenOverIt) {
  LockOptions options = host.options();
  options.metadata = std::string(512, '"');
  for (int i = 1; i < 16; ++i) options.also.push_back("also" + std::to_string(i) + std::string(100, 'x'));
  Lock many("many", options);
  take_and_give_back(many);
  const auto first = own_sockets();
  take_and_give_back(many);
  EXPECT_EQ(own_sockets(), first);
}

TEST_F(KeptConnections, AgentIsRestartedBetween_IsTakenAtTheNextOne) {
  Lock one = lock();
  take_and_give_back(one);
  const auto before = own_sockets();
  host.agent().kill();
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_NO_AGENT);
  EXPECT_EQ(own_sockets().size(), 0U);
  host.agent().start();
  take_and_give_back(one);
  host.agent().kill();
  host.agent().start();
  take_and_give_back(one);
  EXPECT_NE(own_sockets(), before);
}

TEST_F(KeptConnections, AgentHasEndedIt_NewOneIsMade) {
  Lock one = lock();
  take_and_give_back(one);
  const auto before = own_sockets();
  ASSERT_EQ(before.size(), 1U);
  ::shutdown(before.begin()->second, SHUT_RDWR);
  take_and_give_back(one);
  EXPECT_NE(own_sockets(), before);
}

TEST_F(KeptConnections, EventLoopLooksAtAnIdleHandle_FindsNothing) {
  Lock one = lock();
  const int fd = one.event_fd();
  take_and_give_back(one);
  const auto kept = own_sockets();
  ASSERT_EQ(kept.size(), 1U);
  ::shutdown(kept.begin()->second, SHUT_RDWR);  // as the agent does after a while
  pollfd news{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&news, 1, 0), 0);
  ASSERT_TRUE(one.start(patience).ok());
  EXPECT_TRUE(eventually([&] { return ::poll(&news, 1, 0) == 1; }));
  EXPECT_TRUE(eventually([&] { return one.check().ok(); })) << one.reason();
  EXPECT_TRUE(one.unlock().ok());
}

TEST_F(KeptConnections, Forked_ChildHasNoneAndParentGoesOn) {
  Lock one = lock();
  take_and_give_back(one);
  const auto kept = own_sockets();
  const pid_t child = ::fork();
  if (child == 0) {
    if (!own_sockets().empty()) ::_exit(1);
    if (!one.try_lock()) ::_exit(2);
    if (own_sockets() == kept) ::_exit(3);
    ::_exit(one.unlock().ok() ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : 128, 0);
  ASSERT_TRUE(one.try_lock());
  EXPECT_EQ(own_sockets(), kept);
  EXPECT_TRUE(one.unlock().ok());
}

// A child that is made between two locks of its parent must not keep the second one from being released.
TEST_F(KeptConnections, ParentDiesAndItsChildLivesOn_LockIsFree) {
  const agent::Pipe held = agent::make_pipe("held");
  const pid_t parent = ::fork();
  if (parent == 0) {
    Lock one = lock();
    if (!one.try_lock() || !one.unlock().ok()) ::_exit(1);
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    const bool is_held = one.try_lock();
    if (::write(held.write.get(), &child, sizeof child) != sizeof child) ::_exit(2);
    ::_exit(is_held ? 0 : 3);  // without the release
  }
  pid_t child = 0;
  ASSERT_EQ(::read(held.read.get(), &child, sizeof child), static_cast<ssize_t>(sizeof child));
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(lock().lock_for(patience));
  ::kill(child, SIGKILL);
}

TEST_F(KeptConnections, ProcessBecomesAnotherUser_IsNotTakenForTheFormerOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const pid_t child = ::fork();
  if (child == 0) {
    Lock one = lock();
    if (!one.try_lock() || !one.unlock().ok()) ::_exit(1);
    if (::seteuid(65534) != 0) ::_exit(2);
    ::_exit(one.acquire(milliseconds(0)).ok() ? 3 : 0);  // no rule names that user
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : 128, 0);
}

TEST_F(KeptConnections, OtherThreadLooksMeanwhile_EachTurnIsConfirmed) {
  Lock one = lock();
  std::atomic<bool> over{false};
  std::thread looks([&] {
    while (!over) static_cast<void>(one.lost());
  });
  for (int turn = 0; turn < 200; ++turn) take_and_give_back(one);
  over = true;
  looks.join();
}

TEST_F(KeptConnections, ProcessHasManyHandles_KeepsSome) {
  std::list<Lock> locks;
  for (int i = 0; i < 40; ++i) {
    locks.push_back(lock("job" + std::to_string(i)));
    take_and_give_back(locks.back());
  }
  EXPECT_EQ(own_sockets().size(), 32U);
  locks.pop_front();
  take_and_give_back(locks.back());
  EXPECT_EQ(own_sockets().size(), 32U) << "there is room for one more";
  for (Lock& one : locks) take_and_give_back(one);
}

TEST(KeptConnection, AgentIsOlder_LockIsEndedByTheEndOfTheConnection) {
  std::atomic<int> ended_by_the_end{0};
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, ScriptedAgent::granted("close"));
    if (ScriptedAgent::hear(client).empty()) ++ended_by_the_end;
    ScriptedAgent::say(client, ScriptedAgent::released());
  });
  Lock one = lock_at(agent);
  for (int turn = 1; turn <= 3; ++turn) {
    ASSERT_TRUE(one.try_lock()) << one.reason();
    EXPECT_EQ(one.fence(), 7U);
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
    EXPECT_EQ(agent.connections(), turn);
  }
  EXPECT_EQ(ended_by_the_end, 3);
}

TEST(KeptConnection, AgentEndsItAsTheRequestComes_IsAskedAgainOverANewOne) {
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, ScriptedAgent::granted("keep-alive"));
    EXPECT_EQ(ScriptedAgent::hear(client), "\r\n");
    ScriptedAgent::say(client, ScriptedAgent::released());
    ScriptedAgent::hear(client);  // of the next request, which has no answer; of the last one, its end
  });
  Lock one = lock_at(agent);
  for (int turn = 1; turn <= 3; ++turn) {
    ASSERT_TRUE(one.try_lock()) << one.reason();
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
    EXPECT_EQ(agent.connections(), turn);
  }
}

TEST(KeptConnection, EndOfTheAnswerIsLate_IsNotKept) {
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, ScriptedAgent::granted("keep-alive"));
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, ScriptedAgent::chunk("{\"event\":\"released\"}\n"));
    EXPECT_EQ(ScriptedAgent::hear(client), "") << "a request would find the rest of this answer";
  });
  Lock one = lock_at(agent);
  for (int turn = 1; turn <= 2; ++turn) {
    ASSERT_TRUE(one.try_lock()) << one.reason();
    EXPECT_TRUE(one.unlock().ok()) << one.reason();
  }
  EXPECT_EQ(agent.connections(), 2);
}

// An answer with a length; the agent keeps the connection open behind it.
TEST(KeptConnection, RefusalLeavesTheConnectionOpen_IsReadAtOnce) {
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    const std::string body = R"({"error":{"code":"forbidden","message":"not you"}})";
    ScriptedAgent::say(client, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 10));
    ScriptedAgent::say(client, body.substr(10));
    ScriptedAgent::hear(client);
  });
  Lock one = lock_at(agent);
  EXPECT_EQ(one.acquire(milliseconds(0)), JETON_NO_PERMISSION);
  EXPECT_EQ(one.reason(), "not you");
}

}  // namespace
}  // namespace jeton::test
