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

TEST_F(Service, SigtermIsSent_ExitsCleanlyAndSegmentStays) {
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  EXPECT_EQ(agent.stop(), 0);
  EXPECT_TRUE(std::filesystem::exists(agent.segment()));
  EXPECT_FALSE(std::filesystem::exists(agent.runtime_dir() / "agent.sock"));
}

TEST_F(Service, SigtermInMidFetch_ExitsCleanly) {
  provider.behave(Behaviour::only(Behaviour::Kind::hang));
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.token().value("phase", "") == "fetching"; }));
  EXPECT_EQ(agent.stop(), 0);
}

// The fetch that may bring a refresh token is the first to be waited for; the other token is tried every few
// milliseconds.
TEST_F(Service, SigtermWhileAFetchIsWaitedFor_NoOtherTokenIsFetchedMeanwhile) {
  FaultProvider slow;
  slow.behave(Behaviour::only(Behaviour::Kind::hang));
  provider.behave(Behaviour::failure(503));
  const TempDir dir;
  Process keygen({JETON_AGENT_BINARY, "keygen", (dir / "seal.key").string()});
  ASSERT_EQ(keygen.wait(), 0);
  AgentSettings settings = agent.settings();
  settings.refresh = "{min_interval: 0ms, retry: {initial: 10ms, max: 100ms}}";
  settings.agent_extra = "  state_dir: " + (dir / "state").string() + "\n";
  settings.coordination_extra = "  seal: {key_files: [" + (dir / "seal.key").string() + "]}\n";
  settings.token_extra = "  a-rotating-one:\n    source:\n      type: oauth2\n      token_url: " + slow.url() +
                         "\n      grant: refresh_token\n      client_id: jeton\n      client_auth: none\n"
                         "      timeout: 3s\n      refresh_token: ${file:" +
                         dir.write("refresh", "refresh-1").string() + "}\n";
  agent.configure(settings);
  agent.start();
  ASSERT_TRUE(eventually([&] { return slow.counts().requests >= 1 && provider.counts().requests > 1; }));
  agent.signal(SIGTERM);
  ASSERT_TRUE(agent.logs("stopping"));
  const auto before = provider.counts().requests;
  EXPECT_EQ(agent.wait(), 0);
  EXPECT_LE(provider.counts().requests, before + 1);
}

TEST_F(Service, ParentIgnoresOrBlocksSignals_IsStoppedAndWaitsForChildren) {
  Process below({"env", "--block-signal=TERM,HUP", "--ignore-signal=INT,CHLD", JETON_AGENT_BINARY, "run", "--config",
                 agent.config_file().string()});
  ASSERT_TRUE(eventually([&] { return agent.valid(); })) << below.err();
  const std::string status = read_file("/proc/" + std::to_string(below.pid()) + "/status");
  const std::string key = "SigIgn:\t";
  const auto ignored = std::stoull(status.substr(status.find(key) + key.size(), 16), nullptr, 16);
  EXPECT_EQ(ignored & (1ULL << (SIGCHLD - 1)), 0U) << status;
  below.signal(SIGINT);
  below.signal(SIGTERM);
  EXPECT_EQ(below.wait(), 0);
  EXPECT_NE(below.err().find("SIGTERM"), std::string::npos) << "Ctrl-C was for the script that started it";
}

TEST_F(Service, DirectoryIsInUse_SecondAgentIsRefusedWithTheReason) {
  agent.start();
  const RunResult second = run({JETON_AGENT_BINARY, "run", "--config", agent.config_file().string()});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.err.find(agent.runtime_dir().string()), std::string::npos) << second.err;
  EXPECT_EQ(agent.get("/live"), 200);
}

TEST_F(Service, ConfigurationIsWrong_PlaceIsShownAndExitStatusIsOne) {
  agent.write_config("version: 1\nagent:\n  runtim_dir: /run/x\n");
  const RunResult result = run({JETON_AGENT_BINARY, "run", "--config", agent.config_file().string()});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("agent.yaml:3:3"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("runtime_dir"), std::string::npos) << result.err;
}

TEST_F(Service, AgentRuns_OtherUsersCannotReadItsFiles) {
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

TEST_F(Service, TokenIsFetchedWithASecret_ProcAndLogHaveNeither) {
  TempDir secrets;
  const auto file = secrets.write("client.secret", "very-secret-client-secret");
  AgentSettings settings = agent.settings();
  settings.source_extra = "      method: POST\n      form: {client_secret: '${file:" + file.string() + "}'}\n";
  agent.configure(settings);
  agent.start();
  ASSERT_TRUE(eventually([&] { return agent.valid(); }));
  ASSERT_FALSE(provider.seen().empty());
  EXPECT_NE(provider.seen().front().body.find("very-secret-client-secret"), std::string::npos);
  const std::string token = provider.issued().back().value;
  const auto expect_neither = [&](const std::string& text, const std::string& where) {
    EXPECT_EQ(text.find("very-secret"), std::string::npos) << where;
    EXPECT_EQ(text.find(token), std::string::npos) << where;
  };
  expect_neither(agent.log(), "log");
  // What other users of the host may see, and what the agent's own user may.
  const std::filesystem::path proc = "/proc/" + std::to_string(agent.pid());
  for (const char* name :
       {"cmdline", "comm", "environ", "limits", "maps", "mountinfo", "sched", "stat", "status", "wchan"}) {
    expect_neither(read_file(proc / name), name);
  }
  for (const auto& link : std::filesystem::directory_iterator(proc / "fd")) {
    std::error_code closed;
    expect_neither(std::filesystem::read_symlink(link.path(), closed), link.path());
  }
  for (const auto& thread : std::filesystem::directory_iterator(proc / "task")) {
    expect_neither(read_file(thread.path() / "comm"), thread.path());
  }
}

}  // namespace
}  // namespace jeton::test
