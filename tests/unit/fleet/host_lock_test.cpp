#include "agent/fleet/local/host_lock.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

// A child process that takes the lock, says so through a pipe and keeps it until it is killed.
class HoldingProcess {
 public:
  explicit HoldingProcess(const std::filesystem::path& path) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      HostLock lock(path);
      const char answer = lock.try_lock() ? 'y' : 'n';
      static_cast<void>(::write(pipe[1], &answer, 1) + 0);
      for (;;) ::pause();
    }
    ::close(pipe[1]);
    char answer = '?';
    static_cast<void>(::read(pipe[0], &answer, 1) + 0);
    ::close(pipe[0]);
    got_it_ = answer == 'y';
  }
  HoldingProcess(const HoldingProcess&) = delete;
  HoldingProcess& operator=(const HoldingProcess&) = delete;
  ~HoldingProcess() { kill(); }

  [[nodiscard]] bool got_it() const { return got_it_; }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool got_it_ = false;
};

class HostLockTest : public testing::Test {
 protected:
  test::TempDir dir;
  std::filesystem::path path = dir / "x.lock";
};

TEST_F(HostLockTest, AnotherObjectHoldsIt_CannotBeTaken) {
  HostLock first(path);
  HostLock second(path);
  ASSERT_TRUE(first.try_lock());
  EXPECT_FALSE(second.try_lock());
  EXPECT_FALSE(first.try_lock());
  second.unlock();  // not its own
  EXPECT_FALSE(second.try_lock());
  first.unlock();
  EXPECT_TRUE(second.try_lock());
}

TEST_F(HostLockTest, AnotherProcessHoldsIt_CannotBeTakenUntilThatDies) {
  HoldingProcess other(path);
  ASSERT_TRUE(other.got_it());
  HostLock lock(path);
  EXPECT_FALSE(lock.try_lock());
  other.kill();
  EXPECT_TRUE(test::eventually([&] { return lock.try_lock(); })) << "the kernel frees the lock of a dead process";
}

TEST_F(HostLockTest, AnotherObjectForTheFileIsDestroyed_IsKept) {
  HostLock lock(path);
  ASSERT_TRUE(lock.try_lock());
  { HostLock passing_by(path); }
  const HoldingProcess other(path);
  EXPECT_FALSE(other.got_it()) << "closing another descriptor of the file freed the lock";
}

TEST_F(HostLockTest, HolderIsDestroyed_IsFree) {
  {
    HostLock lock(path);
    ASSERT_TRUE(lock.try_lock());
  }
  HostLock next(path);
  EXPECT_TRUE(next.try_lock());
}

TEST_F(HostLockTest, FileIsReplaced_IsNotIntact) {
  HostLock lock(path);
  ASSERT_TRUE(lock.try_lock());
  EXPECT_TRUE(lock.intact());
  std::filesystem::remove(path);
  EXPECT_FALSE(lock.intact());
  HostLock next(path);
  EXPECT_TRUE(next.try_lock());
  EXPECT_FALSE(lock.intact());
}

TEST_F(HostLockTest, FileIsCreated_IsPrivateAndNoLink) {
  { HostLock lock(path); }
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  std::filesystem::create_symlink(path, dir / "link.lock");
  EXPECT_THROW(HostLock(dir / "link.lock"), Error);
  EXPECT_THROW(HostLock(dir / "no-such-directory" / "x.lock"), Error);
}

TEST_F(HostLockTest, ThreadsCompete_OneHoldsItAtATime) {
  int counter = 0;  // guarded by the lock
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      HostLock lock(path);
      for (int i = 0; i < 200; ++i) {
        while (!lock.try_lock()) std::this_thread::yield();
        ++counter;
        lock.unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 800);
}

}  // namespace
}  // namespace jeton::agent
