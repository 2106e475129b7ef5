#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "agent/service/examination.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;

class HostCheck : public ::testing::Test {
 protected:
  static const Finding& about(const Findings& found, const std::string& subject) {
    for (const Finding& one : found) {
      if (one.subject == subject) return one;
    }
    throw std::runtime_error("nothing was found about " + subject);
  }
  test::TempDir dir;
};

TEST_F(HostCheck, SegmentsAreNotLocked_SaysHowMuch) {
  dir.write("wechat", "");
  std::filesystem::resize_file(dir / "wechat", 1024ULL * 1024 * 1024);  // a hole, which takes no memory
  const Finding found = about(examine_limits(dir.path()), "memlock");
  EXPECT_EQ(found.level, Finding::Level::warning);
  EXPECT_THAT(found.text, HasSubstr("of 1048576 KiB"));
  EXPECT_THAT(found.remedy, HasSubstr("LimitMEMLOCK=1281M"));
}

TEST_F(HostCheck, ThereAreNoSegments_NothingHasToBeLocked) {
  EXPECT_EQ(about(examine_limits(dir.path()), "memlock").level, Finding::Level::ok);
}

TEST_F(HostCheck, DirectoryIsMissing_IsAProblem) {
  AgentConfig config;
  config.runtime_dir = dir / "nowhere";
  const Finding found = about(examine_directories(config, false), "runtime_dir");
  EXPECT_EQ(found.level, Finding::Level::problem);
  EXPECT_THAT(found.text, HasSubstr("nowhere: No such file or directory"));
}

TEST_F(HostCheck, NoTokenHasAState_StateDirectoryIsNotExamined) {
  AgentConfig config;
  config.runtime_dir = dir.path();
  config.state_dir = dir / "nowhere";
  for (const Finding& one : examine_directories(config, false)) EXPECT_EQ(one.subject, "runtime_dir");
  EXPECT_EQ(about(examine_directories(config, true), "state_dir").level, Finding::Level::problem);
}

}  // namespace
}  // namespace jeton::agent
