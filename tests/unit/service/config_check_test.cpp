#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/service/reload_plan.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::agent {
namespace {

using ::testing::HasSubstr;

constexpr const char* one_token = "version: 1\ntokens:\n  t:\n    source: {type: file, path: /run/t}\n";

Config running() { return test::load_text(one_token).config.value(); }

TEST(JudgeConfig, FilesAreInForce_IsOk) {
  const Findings found = judge_config(test::load_text(one_token), running());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::ok);
}

TEST(JudgeConfig, TokenWasChanged_AsksForAReload) {
  const Findings found = judge_config(test::load_text(std::string(one_token) + "    capacity: 16KiB\n"), running());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::warning);
  EXPECT_THAT(found[0].remedy, HasSubstr("systemctl reload"));
}

TEST(JudgeConfig, KeyOfTheStartWasChanged_AsksForARestart) {
  const Findings found =
      judge_config(test::load_text(std::string(one_token) + "agent: {state_dir: /tmp/other}\n"), running());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].text, HasSubstr("agent.state_dir needs a restart"));
  EXPECT_THAT(found[0].remedy, HasSubstr("systemctl restart"));
}

TEST(JudgeConfig, FilesAreBroken_EachErrorIsAProblemWithItsPlace) {
  const Findings found = judge_config(test::load_text("version: 1\ntokens: {t: {sauce: {}}}\n"), running());
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].level, Finding::Level::problem);
  EXPECT_THAT(found[0].text, HasSubstr(":2:"));
  EXPECT_THAT(found[0].remedy, HasSubstr("jeton-agent check"));
}

}  // namespace
}  // namespace jeton::agent
