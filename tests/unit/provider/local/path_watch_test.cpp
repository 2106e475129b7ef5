// Where changes cannot be heard of, PathWatch looks by itself.
#include "agent/provider/path_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/dead_mount.hpp"
#include "tests/support/no_descriptors.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

using PathWatchTest = LocalSourceTest;

TEST_F(PathWatchTest, NoInotifyInstanceIsLeft_LooksByItself) {
  int told = 0;
  std::optional<agent::PathWatch> watch;
  {
    const NoDescriptors none;
    watch.emplace(loop.timers, std::vector<std::string>{(dir / "token").string()}, [&told] { ++told; });
  }
  EXPECT_FALSE(watch->being_written());
  dir.write("token", "x");
  EXPECT_TRUE(loop.turn_until([&] { return told == 1; }));
}

TEST_F(PathWatchTest, PathsAreMany_ShareOneInstanceAndEachHearsOfItsOwn) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = descriptors();
  std::vector<int> told(300);
  std::vector<std::unique_ptr<agent::PathWatch>> watches;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const std::string path = (dir / ("token-" + std::to_string(i))).string();
    watches.push_back(
        std::make_unique<agent::PathWatch>(loop.timers, std::vector<std::string>{path}, [&told, i] { ++told[i]; }));
  }
  EXPECT_EQ(descriptors(), before + 2);  // one of the loop, one for walks
  dir.write("token-7", "x");
  EXPECT_TRUE(loop.turn_until([&] { return told[7] > 0; }));
  watches[7].reset();
  dir.write("token-7", "y");
  dir.write("token-8", "y");
  EXPECT_TRUE(loop.turn_until([&] { return told[8] > 0; }));
  told[7] = told[8] = 0;
  EXPECT_EQ(std::count(told.begin(), told.end(), 0), 300) << "another watch was told";
  watches.clear();
  EXPECT_EQ(descriptors(), before);
}

// What one watch reads of the queue may be about another.
TEST_F(PathWatchTest, AnotherWatchIsAsked_ChangeIsStillHeardOf) {
  int told = 0;
  const agent::PathWatch watch(loop.timers, {(dir / "token").string()}, [&told] { ++told; });
  agent::PathWatch other(loop.timers, {(dir / "other").string()}, [] {});
  dir.write("token", "x");
  EXPECT_FALSE(other.being_written());
  EXPECT_TRUE(loop.turn_until([&] { return told > 0; }));
}

// All watches share the queue of the kernel. The close of the file is lost with what is too much for it.
TEST_F(PathWatchTest, QueueOverflowsWhileAFileIsWritten_FileCountsAsWritten) {
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most == 0 || most > 1'000'000) GTEST_SKIP() << "needs a queue that can be filled";
  int told = 0;
  agent::PathWatch watch(loop.timers, {(dir / "token").string()}, [&told] { ++told; });
  {
    std::ofstream writer(dir / "token");
    writer << "half" << std::flush;
    ASSERT_TRUE(watch.being_written());
    for (std::size_t events = 0; events <= most; events += 2) {
      dir.write("other", "x");
      std::filesystem::remove(dir / "other");
    }
  }
  EXPECT_FALSE(watch.being_written());
  EXPECT_TRUE(loop.turn_until([&] { return told > 0; }));
}

TEST_F(PathWatchTest, WatchEndsInTheCallOfAnother_IsNotCalled) {
  int told = 0;
  std::unique_ptr<agent::PathWatch> a;
  std::unique_ptr<agent::PathWatch> b;
  const auto end_both = [&] {
    ++told;
    a.reset();
    b.reset();
  };
  a = std::make_unique<agent::PathWatch>(loop.timers, std::vector<std::string>{(dir / "token").string()}, end_both);
  b = std::make_unique<agent::PathWatch>(loop.timers, std::vector<std::string>{(dir / "token").string()}, end_both);
  dir.write("token", "x");
  EXPECT_TRUE(loop.turn_until([&] { return told > 0; }));
  loop.context.restart();
  loop.context.poll();
  EXPECT_EQ(told, 1);
}

// As after `install -o jeton -m 0600`, which writes the file first.
TEST_F(PathWatchTest, FileBecomesReadable_IsToldOf) {
  dir.write("token", "x");
  int told = 0;
  const agent::PathWatch watch(loop.timers, {(dir / "token").string()}, [&told] { ++told; });
  std::filesystem::permissions(dir / "token", std::filesystem::perms{0640});
  EXPECT_TRUE(loop.turn_until([&] { return told > 0; }));
}

// Whom the mode of a directory concerns.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    if (is_root_ && ::seteuid(65534) != 0) throw std::runtime_error("the test cannot become another user");
  }
  ~OrdinaryUser() {
    if (is_root_ && ::seteuid(0) != 0) std::abort();
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  const bool is_root_ = ::geteuid() == 0;
};

TEST_F(PathWatchTest, DirectoryMayBeEnteredAndNotListed_LooksByItselfAndTellsOfChangesOnly) {
  const std::filesystem::path closed = dir / "closed";
  std::filesystem::create_directory(closed);
  std::ofstream(closed / "token") << "x";
  std::ofstream(closed / "same") << "x";
  std::filesystem::permissions(dir.path(), std::filesystem::perms{0711});
  std::filesystem::permissions(closed, std::filesystem::perms{0311});
  {
    std::optional<OrdinaryUser> user(std::in_place);
    int told = 0;
    int told_of_same = 0;
    const agent::PathWatch same(loop.timers, {(closed / "same").string()}, [&] { ++told_of_same; });
    const agent::PathWatch watch(loop.timers, {(closed / "token").string()}, [&told] { ++told; });
    user.reset();
    std::filesystem::remove(closed / "token");
    user.emplace();
    EXPECT_TRUE(loop.turn_until([&] { return told == 1; }));
    user.reset();
    std::ofstream(closed / "token") << "x";
    user.emplace();
    EXPECT_TRUE(loop.turn_until([&] { return told == 2; })) << "the file was missing at a look";
    EXPECT_EQ(told_of_same, 0);
  }
  std::filesystem::permissions(closed, std::filesystem::perms{0700});
}

TEST_F(PathWatchTest, PathIsOnADeadMount_LooksByItself) {
  DeadMount mount;
  if (!mount.works()) GTEST_SKIP() << "needs root and /dev/fuse";
  int told = 0;
  const agent::PathWatch watch(loop.timers, {(mount.path() / "a" / "token").string()}, [&told] { ++told; });
  EXPECT_TRUE(loop.turn_until([&] { return told == 1; }));
}

}  // namespace
}  // namespace jeton::test
