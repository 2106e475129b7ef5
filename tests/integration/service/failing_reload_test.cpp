// An agent that fails or dies in the middle of a reload.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

// Before the segments get their new settings, and behind that.
class FailingReload : public testing::TestWithParam<std::string> {
 protected:
  FailingReload() { settings_.token_url = provider_.url(); }
  [[nodiscard]] std::string armed(const std::string& action) const { return GetParam() + "=" + action; }
  [[nodiscard]] AgentSettings larger() const {
    AgentSettings settings = settings_;
    settings.token_extra = "    capacity: 64KiB\n";
    return settings;
  }
  const FaultProvider provider_{{.lifetime = seconds(600)}};
  AgentSettings settings_;
};

TEST_P(FailingReload, IsRefused_SegmentHasItsOldSize) {
  AgentProcess agent{settings_, {.env = {{"JETON_FAILPOINTS", armed("throw")}}}};
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  const auto size = std::filesystem::file_size(agent.segment());
  agent.configure(larger());
  agent.signal(SIGHUP);
  ASSERT_TRUE(agent.logs("reload refused"));
  EXPECT_EQ(std::filesystem::file_size(agent.segment()), size);
  EXPECT_TRUE(agent.valid());
}

TEST_P(FailingReload, KillsTheAgent_NextOneGoesOnWithTheNewFile) {
  AgentProcess agent{settings_};
  AgentProcess doomed{settings_, {.env = {{"JETON_FAILPOINTS", armed("kill")}}}};
  doomed.write_config(agent_yaml(settings_, agent.runtime_dir()));
  doomed.launch();  // answers where `agent` will
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << doomed.log();
  const auto size = std::filesystem::file_size(agent.segment());
  agent.configure(larger());
  doomed.write_config(agent_yaml(larger(), agent.runtime_dir()));
  doomed.signal(SIGHUP);
  EXPECT_EQ(doomed.wait(), 128 + SIGKILL) << "the failpoint was not passed";
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << agent.log();
  EXPECT_GT(std::filesystem::file_size(agent.segment()), size);
  EXPECT_EQ(provider_.counts().requests, 1U);
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, FailingReload, testing::Values("reload.prepared", "reload.segments"),
                         [](const auto& test) { return test.param.substr(test.param.find('.') + 1); });

}  // namespace
}  // namespace jeton::test
