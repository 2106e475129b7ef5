#include "libclient/ctl/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "libclient/ctl/failure.hpp"
#include "tests/support/eventually.hpp"

namespace jeton::ctl {
namespace {

TEST(Child, SomebodyElseWaitedForIt_EndsAsAFailureAndSaysSo) {
  const InheritedSignals inherited;
  ::signal(SIGCHLD, SIG_IGN);  // the kernel waits for it
  Child child({"true"}, {}, inherited);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(test::eventually([&] { return child.status().has_value(); }));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("its status is lost"));
  EXPECT_EQ(child.status(), static_cast<int>(Exit::run_failed));
  ::signal(SIGCHLD, SIG_DFL);
}

}  // namespace
}  // namespace jeton::ctl
