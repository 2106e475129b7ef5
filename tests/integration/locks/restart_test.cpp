// The fate of a command under a lock when the agent is restarted: when_agent_stops.
#include <signal.h>

#include <algorithm>

#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/unix_http.hpp"

namespace jeton::test {
namespace {

class LockRunRestart : public LocalHost {
 protected:
  LockRunRestart() {
    host.configure("locks:\n  \"job*\": {max_ttl: 24h, when_agent_stops: keep}\n  \"plain\": {max_ttl: 24h}\n");
    host.agent().signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return host.lock({"show", "plain"}).status == 0; }));
  }

  // A command that ends when the test says so.
  std::unique_ptr<Process> hold(std::vector<std::string> options, const std::string& name = "job") {
    std::vector<std::string> words{"run", name};
    words.insert(words.end(), options.begin(), options.end());
    const std::filesystem::path begun = dir / ("begun." + std::to_string(++jobs));
    words.insert(words.end(), {"--", "sh", "-c",
                               ": > " + begun.string() + "; while [ ! -e " + end().string() +
                                   " ]; do sleep 0.02; done; : > " + ended().string() + "; exit 7"});
    auto job = host.start(words);
    // Not before it runs does it hold all of its locks.
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
    EXPECT_TRUE(host.held(name));
    return job;
  }
  [[nodiscard]] std::filesystem::path end() const { return dir / "end"; }
  [[nodiscard]] std::filesystem::path ended() const { return dir / "ended"; }
  void let_it_end() const { static_cast<void>(dir.write("end", "")); }

  TempDir dir;
  int jobs = 0;
};

TEST_F(LockRunRestart, AgentStopsAndStarts_LockAndCommandGoOn) {
  const auto job = hold({"--ttl", "1m"});
  const Json before = host.show("job");
  host.agent().signal(SIGTERM);
  EXPECT_EQ(host.agent().wait(), 0);
  host.agent().start();
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "1s"}).status, 4);
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_EQ(job->err(), "");
  EXPECT_TRUE(host.free("job")) << "given back through the next agent";
  EXPECT_EQ(before["held"], true);
}

TEST_F(LockRunRestart, AgentIsKilledAndStarts_SameOwnerAndFenceGoOnAndAreRenewed) {
  // As long as a restart may last. It is renewed when the next agent goes on with it, and at every third of this.
  const auto job = hold({"--ttl", "30s"});
  const Json before = host.show("job");
  host.agent().kill();
  host.agent().start();
  // Only a renewal makes the rest of its TTL rise.
  int least = host.show("job")["ttl_ms"].get<int>();
  EXPECT_TRUE(eventually([&] {
    const int left = host.show("job")["ttl_ms"].get<int>();
    const bool renewed = left > least;
    least = std::min(least, left);
    return renewed;
  }));
  const Json after = host.show("job");
  EXPECT_EQ(after["owner"], before["owner"]);
  EXPECT_EQ(after["fence"], before["fence"]);
  EXPECT_TRUE(job->running());
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
}

TEST_F(LockRunRestart, AnotherClientHasExtendedIt_NextAgentKeepsTheTtl) {
  const auto job = hold({"--ttl", "1m"});
  ASSERT_EQ(host.extend("job", host.show("job"), "2h"), 0);
  ASSERT_TRUE(host.held("job"));  // by now the agent has told jetonctl
  host.agent().kill();
  host.agent().start();
  EXPECT_TRUE(eventually([&] {
    const auto status = unix_http_get(host.runtime_dir() / "agent.sock", "/v1/status");
    return Json::parse(status.body).at("locks").at("held") == 1;
  }));
  EXPECT_GT(host.show("job")["ttl_ms"], 3600000);
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
}

TEST_F(LockRunRestart, NoAgentComesInTime_EndsTheCommand) {
  const auto job = hold({"--ttl", "6s"});
  host.agent().kill();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(job->err().find("did not renew the lock in time: it closed the connection"), std::string::npos)
      << job->err();
}

TEST_F(LockRunRestart, SeveralLocks_AllGoOn) {
  const auto job = hold({"--also", "job2", "--ttl", "1m"});
  host.agent().kill();
  host.agent().start();
  let_it_end();
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_TRUE(host.free("job"));
  EXPECT_TRUE(host.free("job2"));
}

TEST_F(LockRunRestart, LockDoesNotOutliveTheAgent_EndsTheCommand) {
  const auto alone = hold({"--ttl", "1m"}, "plain");
  const auto together = hold({"--also", "job2", "--ttl", "1m"});
  const auto waiting = host.start({"run", "job", "--wait", "1m", "--", "true"});
  ASSERT_TRUE(host.waiting(1));
  host.agent().kill();
  EXPECT_EQ(alone->wait(), 123);
  EXPECT_EQ(waiting->wait(), 125) << "it only waited";
  EXPECT_TRUE(together->running());
}

// jetonctl waits five seconds for an agent to give its lock back to, and the start of one may take longer.
TEST_F(LockRunRestart, CommandEndsMeanwhile_LockIsGivenBack) {
  const auto job = hold({"--ttl", "1h"});
  job->signal(SIGSTOP);
  host.agent().kill();
  let_it_end();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(ended()); }));
  host.agent().start();
  job->signal(SIGCONT);
  EXPECT_EQ(job->wait(), 7) << job->err();
  EXPECT_TRUE(host.free("job"));
}

}  // namespace
}  // namespace jeton::test
