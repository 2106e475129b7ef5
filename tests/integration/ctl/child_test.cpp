#include "libclient/ctl/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "libclient/ctl/failure.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::ctl {
namespace {

TEST(Child, SomebodyElseWaitedForIt_EndsAsAFailureAndSaysSo) {
  const InheritedState inherited;
  ::signal(SIGCHLD, SIG_IGN);  // the kernel waits for it
  Child child({"true"}, {}, inherited);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(test::eventually([&] { return child.status().has_value(); }));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("its status is not known"));
  EXPECT_EQ(child.status(), static_cast<int>(Exit::run_failed));
  ::signal(SIGCHLD, SIG_DFL);
}

// They come to this process, which would fill up with what has ended.
TEST(Child, CommandLeavesProcessesBehind_AreWaitedForWhenTheyEnd) {
  const test::TempDir dir;
  const std::string ready = (dir / "ready").string();
  const std::string script = "for i in 1 2 3; do (true &); done; touch " + ready + "; exec sleep 1000";
  Child child({"sh", "-c", script}, {}, InheritedState());
  ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(ready); }));
  EXPECT_TRUE(test::eventually([&] {
    EXPECT_FALSE(child.status().has_value());
    std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    return std::distance(std::istream_iterator<pid_t>(children), std::istream_iterator<pid_t>()) == 1;
  }));
}

}  // namespace
}  // namespace jeton::ctl
