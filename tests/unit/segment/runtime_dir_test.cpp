#include "agent/segment/runtime_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "agent/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

mode_t mode_of(const fs::path& path) {
  struct stat found = {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

std::string failure_of(const fs::path& path, Policy disk_backed = Policy::warn) {
  try {
    const RuntimeDir runtime(path, disk_backed);
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(RuntimeDirTest, UmaskIsStrict_DirectoriesHaveTheirModes) {
  const test::TempDir dir;
  const mode_t before = ::umask(077);
  const RuntimeDir runtime(dir / "run", Policy::warn);
  ::umask(before);
  EXPECT_EQ(mode_of(dir / "run"), 0755U);
  EXPECT_EQ(mode_of(dir / "run" / "segments"), 0755U);
  EXPECT_EQ(mode_of(dir / "run" / "writer.mutex"), 0600U);
  EXPECT_EQ(mode_of(dir / "run" / "agent.lock"), 0600U);
}

TEST(RuntimeDirTest, DirectoryIsOpenedAgain_MutexIsCreatedAnew) {
  const test::TempDir dir;
  struct stat first = {};
  struct stat second = {};
  {
    RuntimeDir runtime(dir / "run", Policy::warn);
    ASSERT_EQ(::stat((dir / "run" / "writer.mutex").c_str(), &first), 0);
    const WriterMutex::Guard guard(runtime.writer_mutex());
  }
  RuntimeDir runtime(dir / "run", Policy::warn);
  ASSERT_EQ(::stat((dir / "run" / "writer.mutex").c_str(), &second), 0);
  EXPECT_TRUE(first.st_ino != second.st_ino || first.st_ctim.tv_nsec != second.st_ctim.tv_nsec);
  const WriterMutex::Guard guard(runtime.writer_mutex());
}

TEST(WriterMutexTest, HolderProcessIsDead_MutexIsCreatedAnew) {
  const test::TempDir dir;
  RuntimeDir runtime(dir / "run", Policy::warn);
  const pid_t child = ::fork();
  if (child == 0) {
    const WriterMutex::Guard guard(runtime.writer_mutex());
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const WriterMutex::Guard guard(runtime.writer_mutex());
}

TEST(RuntimeDirTest, DirectoryIsWritableByOthers_IsRefused) {
  const test::TempDir dir;
  fs::create_directory(dir / "run");
  fs::permissions(dir / "run", fs::perms(0775));
  EXPECT_THAT(failure_of(dir / "run"), HasSubstr("chmod go-w"));
  fs::permissions(dir / "run", fs::perms(0755));
  fs::create_directory(dir / "run" / "segments");
  fs::permissions(dir / "run" / "segments", fs::perms(0757));
  EXPECT_THAT(failure_of(dir / "run"), HasSubstr("segments"));
}

TEST(RuntimeDirTest, DirectoryIsOfAnotherUser_IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a directory of another user";
  const test::TempDir dir;
  fs::create_directory(dir / "run");
  ASSERT_EQ(::chown((dir / "run").c_str(), 65534, 65534), 0);
  EXPECT_THAT(failure_of(dir / "run"), HasSubstr("belongs to user 65534"));
}

TEST(RuntimeDirTest, SegmentsIsALink_IsRefused) {
  const test::TempDir dir;
  fs::create_directories(dir / "elsewhere");
  fs::create_directory(dir / "run");
  fs::create_directory_symlink(dir / "elsewhere", dir / "run" / "segments");
  EXPECT_THAT(failure_of(dir / "run"), HasSubstr("symbolic link"));
}

TEST(RuntimeDirTest, PathIsAFileOrHasNoParent_ErrorSaysWhy) {
  const test::TempDir dir;
  dir.write("file", "x");
  EXPECT_THAT(failure_of(dir / "file"), HasSubstr("Not a directory"));
  EXPECT_THAT(failure_of(dir / "a" / "b"), HasSubstr("cannot be created"));
}

TEST(RuntimeDirTest, DirectoryIsOnADisk_PolicyRefusesIt) {
  // The build directory, where tests run, is not on a tmpfs on any machine that this was seen on; look first.
  const test::TempDir dir;
  const fs::path here = fs::current_path() / ("disk-" + std::to_string(::getpid()));
  const std::string failure = failure_of(here, Policy::refuse);
  fs::remove_all(here);
  if (failure.empty()) GTEST_SKIP() << "the working directory is on a tmpfs";
  EXPECT_THAT(failure, HasSubstr("tmpfs"));
  EXPECT_THAT(failure, HasSubstr("agent.disk_backed"));
}

// Another process that holds the directory until it is killed.
class Holder {
 public:
  explicit Holder(const fs::path& path) {
    std::array<int, 2> ready = {};
    if (::pipe(ready.data()) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      try {
        const RuntimeDir runtime(path, Policy::warn);
        const char ok = 'y';
        if (::write(ready[1], &ok, 1) == 1) ::pause();
      } catch (const std::exception&) {
      }
      ::_exit(1);
    }
    ::close(ready[1]);
    char answer = 'n';
    holds_ = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
    ::close(ready[0]);
  }
  ~Holder() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] bool holds() const { return holds_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  bool holds_ = false;
};

TEST(RuntimeDirTest, AnotherAgentHoldsIt_ErrorNamesItsProcess) {
  const test::TempDir dir;
  Holder holder(dir / "run");
  ASSERT_TRUE(holder.holds());
  const std::string failure = failure_of(dir / "run");
  EXPECT_THAT(failure, HasSubstr("another agent"));
  EXPECT_THAT(failure, HasSubstr("process " + std::to_string(holder.pid())));
}

TEST(RuntimeDirTest, IsRemoved_IsMadeAnewWithItsLock) {
  const test::TempDir dir;
  RuntimeDir runtime(dir / "run", Policy::warn);
  EXPECT_FALSE(runtime.restore()) << "it is in place";
  fs::remove_all(dir / "run");
  EXPECT_TRUE(runtime.restore());
  EXPECT_FALSE(runtime.restore());
  EXPECT_EQ(mode_of(dir / "run" / "segments"), 0755U);
  const WriterMutex::Guard guard(runtime.writer_mutex());
  Holder second(dir / "run");
  EXPECT_FALSE(second.holds()) << "the new directory is not held";
}

TEST(RuntimeDirTest, OnlyItsSegmentsAreRemoved_AreMadeAnew) {
  const test::TempDir dir;
  RuntimeDir runtime(dir / "run", Policy::warn);
  fs::remove_all(dir / "run" / "segments");
  EXPECT_TRUE(runtime.restore());
  Holder second(dir / "run");
  EXPECT_FALSE(second.holds());
}

TEST(RuntimeDirTest, AnotherAgentHasTakenThePlace_IsAnError) {
  const test::TempDir dir;
  RuntimeDir runtime(dir / "run", Policy::warn);
  fs::remove_all(dir / "run");
  Holder second(dir / "run");
  ASSERT_TRUE(second.holds());
  try {
    runtime.restore();
    ADD_FAILURE() << "two agents in one directory";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("another agent"));
  }
}

TEST(RuntimeDirTest, HolderIsKilled_DirectoryIsFree) {
  const test::TempDir dir;
  Holder holder(dir / "run");
  ASSERT_TRUE(holder.holds());
  holder.kill();
  EXPECT_EQ(failure_of(dir / "run"), "");
}

}  // namespace
}  // namespace jeton::agent
