// `jeton-agent reload`, which is what `systemctl reload` runs, and SIGHUP while the agent starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class ReloadCommand : public testing::Test {
 protected:
  RunResult reload(ProcessOptions options = {}) const {
    return run({JETON_AGENT_BINARY, "reload", "--dir", agent_.runtime_dir().string()}, std::move(options));
  }
  [[nodiscard]] std::string yaml() const { return agent_yaml(agent_.settings(), agent_.runtime_dir()); }

  FaultProvider provider_{{.lifetime = seconds(600)}};
  AgentProcess agent_{{.token_url = provider_.url()}};
};

TEST_F(ReloadCommand, FilesAreGood_ReturnsWhenTheyAreApplied) {
  agent_.start();
  agent_.write_config(yaml() + "  second:\n    source: {type: http, url: '" + provider_.url() + "'}\n");
  const RunResult result = reload();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(agent_.get("/v1/tokens/second"), 200);
}

TEST_F(ReloadCommand, FilesHaveErrors_FailsWithEachOfThem) {
  agent_.start();
  agent_.write_config(yaml() + "  broken: [\n");
  const RunResult result = reload();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("agent.yaml:"));
  EXPECT_THAT(result.err, HasSubstr("refused, the old configuration stays in force: the files have errors"));
}

TEST_F(ReloadCommand, ChangeNeedsARestart_FailsWithTheReason) {
  agent_.start();
  AgentSettings settings = agent_.settings();
  settings.lock_ttl = "7s";
  agent_.configure(settings);
  const RunResult result = reload();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("a restart is needed to change coordination"));
}

TEST_F(ReloadCommand, DirectoryIsThatOfTheUnit_IsTakenFromTheEnvironment) {
  agent_.start();
  const RunResult result = run({JETON_AGENT_BINARY, "reload"},
                               {.env = {{"RUNTIME_DIRECTORY", agent_.runtime_dir().string() + ":/run/other"}}});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(ReloadCommand, NoAgentRuns_FailsAndNamesTheSocket) {
  const RunResult result = reload();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr((agent_.runtime_dir() / "agent.sock").string()));
}

TEST_F(ReloadCommand, UserIsNobodyInParticular_IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can run a command as another user";
  agent_.start();
  const auto above = agent_.runtime_dir().parent_path();
  std::filesystem::permissions(above, std::filesystem::perms(0711));
  const RunResult result = reload({.uid = 65534, .gid = 65534});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("may not reload the agent"));
}

// It is sent while the agent has taken its directory and serves no signals yet.
TEST(SignalWhileStarting, IsSighup_AgentStartsAndReloads) {
  const FaultProvider provider{{.lifetime = seconds(600)}};
  AgentProcess agent{{.token_url = provider.url()},
                     {.env = {{"JETON_FAILPOINTS", "segment.runtime_dir.locked=sleep:1000"}}}};
  agent.launch();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(agent.runtime_dir() / "agent.lock"); }));
  agent.signal(SIGHUP);
  agent.await();
  EXPECT_TRUE(agent.logs("configuration reloaded")) << agent.log();
  EXPECT_EQ(agent.stop(), 0);
}

TEST(Command, IsMisspelt_TheRightOneIsNamed) {
  EXPECT_THAT(run({JETON_AGENT_BINARY, "cheek"}).err, HasSubstr("no command 'cheek'; did you mean check?"));
  EXPECT_THAT(run({JETON_AGENT_BINARY, "xyzzy"}).err,
              HasSubstr("the commands are run, check, reload, fetch, answers, keygen, demo"));
  EXPECT_EQ(run({JETON_AGENT_BINARY, "cheek"}).status, 1);
}

}  // namespace
}  // namespace jeton::test
