// The core dump of a crashed agent.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

std::filesystem::path core_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("core")) return entry.path();
  }
  return {};
}

struct CoreDump : testing::Test {
  void SetUp() override {
    if (!read_file("/proc/sys/kernel/core_pattern").starts_with("core")) {
      GTEST_SKIP() << "kernel.core_pattern hands core dumps to a program";
    }
  }
  // An agent that holds a token, crashed.
  void crash(const std::string& agent_extra) {
    ProcessOptions options;
    options.cwd = folder.path();
    options.core_dumps = true;
    AgentProcess agent({.token_url = provider.url(), .agent_extra = agent_extra}, options);
    agent.start();
    ASSERT_TRUE(eventually([&] { return agent.valid(); }));
    agent.signal(SIGSEGV);
    EXPECT_EQ(agent.wait(), 128 + SIGSEGV);
  }

  FaultProvider provider{{.lifetime = seconds(600), .rate_interval = {}, .token_size = 2000}};
  TempDir folder;
};

TEST_F(CoreDump, AgentCrashes_LeavesNoCore) {
  crash("");
  EXPECT_EQ(core_in(folder.path()), "");
}

TEST_F(CoreDump, CoreDumpsAreAllowed_CoreHoldsNoTokenBytes) {
  crash("  core_dumps: true\n");
  const auto core = core_in(folder.path());
  ASSERT_NE(core, "");
  const std::string bytes = read_file(core);
  ASSERT_EQ(bytes.substr(1, 3), "ELF");
  const std::string token = provider.issued().back().value;
  for (std::size_t at = 0; at + 16 <= token.size(); at += 8) {
    ASSERT_EQ(bytes.find(token.substr(at, 16)), std::string::npos) << "16 bytes of the token from offset " << at;
  }
}

}  // namespace
}  // namespace jeton::test
