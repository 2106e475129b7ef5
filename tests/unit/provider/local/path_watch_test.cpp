// Where changes cannot be heard of, PathWatch looks by itself.
#include "agent/provider/path_watch.hpp"

#include <sys/resource.h>

#include "tests/support/dead_mount.hpp"
#include "tests/unit/provider/local/local_source.hpp"

namespace jeton::test {
namespace {

// No descriptor can be opened while it lives, so there is no inotify instance to be had.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

using PathWatchTest = LocalSourceTest;

TEST_F(PathWatchTest, NoInotifyInstanceIsLeft_LooksByItself) {
  int told = 0;
  std::optional<agent::PathWatch> watch;
  {
    const NoDescriptors none;
    watch.emplace(loop.timers, std::vector<std::string>{(dir / "token").string()}, [&told] { ++told; });
  }
  EXPECT_FALSE(watch->being_written());
  EXPECT_TRUE(loop.turn_until([&] { return told == 1; }));
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
