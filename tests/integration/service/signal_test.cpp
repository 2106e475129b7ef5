// Starting and stopping, as a service manager sees it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fault_provider.hpp"

namespace jeton::test {
namespace {

using std::chrono::seconds;

struct Service : testing::Test {
  FaultProvider provider{{.lifetime = seconds(600)}};
  AgentProcess agent{{.token_url = provider.url()}};
};

TEST_F(Service, SigtermEndsItCleanlyAndLeavesTheSegment) {
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(std::filesystem::exists(agent.segment()));
  EXPECT_FALSE(std::filesystem::exists(agent.runtime_dir() / "agent.sock"));
}

TEST_F(Service, SigtermInMidFetchEndsItToo) {
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.token().value("phase", "") == "fetching"; }));
  EXPECT_EQ(agent.stop(), 0);
}

TEST_F(Service, ASecondAgentOnTheSameDirectoryIsRefusedWithTheReason) {
  agent.start();
  const RunResult second = run({JETON_AGENT_BINARY, "run", "--config", agent.config_file().string()});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.err.find(agent.runtime_dir().string()), std::string::npos) << second.err;
  EXPECT_EQ(agent.get("/live"), 200);
}

TEST_F(Service, AWrongConfigurationIsSaidWithItsPlaceAndExitStatusOne) {
  agent.write_config("version: 1\nagent:\n  runtim_dir: /run/x\n");
  const RunResult result = run({JETON_AGENT_BINARY, "run", "--config", agent.config_file().string()});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("agent.yaml:3:3"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("runtime_dir"), std::string::npos) << result.err;
}

TEST_F(Service, FilesAreReadableByNobodyWhoWasNotNamed) {
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(agent.runtime_dir())) {
    struct stat st {};
    ASSERT_EQ(::lstat(entry.path().c_str(), &st), 0);
    if (S_ISREG(st.st_mode)) {
      EXPECT_EQ(st.st_mode & 0077, 0U) << entry.path();
    }
    if (S_ISDIR(st.st_mode)) {
      EXPECT_EQ(st.st_mode & 0022, 0U) << entry.path();
    }
  }
}

TEST_F(Service, NoSecretStandsInProc) {
  TempDir secrets;
  const auto file = secrets.write("client.secret", "very-secret-client-secret");
  AgentSettings settings = agent.settings();
  settings.source_extra = "      method: POST\n      form: {client_secret: '${file:" + file.string() + "}'}\n";
  agent.configure(settings);
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_FALSE(provider.seen().empty());
  EXPECT_NE(provider.seen().front().body.find("very-secret-client-secret"), std::string::npos);
  EXPECT_EQ(agent.log().find("very-secret"), std::string::npos);
}

}  // namespace
}  // namespace jeton::test
