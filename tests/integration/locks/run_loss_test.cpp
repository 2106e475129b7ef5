// jetonctl lock run when the lock is lost: the command never goes on without it.
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/scripted_agent.hpp"

namespace jeton::test {
namespace {

class LockRunLoss : public LocalHost {
 protected:
  std::unique_ptr<Process> hold(std::vector<std::string> options, const std::string& script) const {
    std::vector<std::string> words{"run", "job"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "sh", "-c", script});
    auto job = host.start(words);
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(dir / "ready"); }));
    return job;
  }
  [[nodiscard]] std::string ready() const { return "touch " + (dir / "ready").string() + "; "; }

  TempDir dir;
};

TEST_F(LockRunLoss, TakenByAnAdministrator_EndsTheCommandAndSaysSo) {
  const auto job = hold({}, "trap 'echo told; exit 0' TERM; " + ready() + "while :; do sleep 0.05; done");
  ASSERT_EQ(host.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(job->out(), "told\n") << "by SIGTERM first";
  EXPECT_NE(job->err().find("is lost"), std::string::npos) << job->err();
}

TEST_F(LockRunLoss, OneOfSeveralIsTaken_MessageNamesThatOne) {
  const auto job = hold({"--also", "job2"}, ready() + "exec sleep 1000");
  ASSERT_EQ(host.lock({"release", "job2", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(job->err().find("lock 'job2' is lost"), std::string::npos) << job->err();
}

TEST_F(LockRunLoss, CommandDoesNotEnd_IsKilled) {
  const auto job = hold({"--grace", "100ms"}, "trap '' TERM; " + ready() + "while :; do sleep 0.05; done");
  ASSERT_EQ(host.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(job->err().find("killing it"), std::string::npos) << job->err();
}

TEST_F(LockRunLoss, CommandLeftAProcessBehind_ItIsEndedToo) {
  const auto job =
      hold({"--grace", "100ms"}, "(trap '' TERM; while :; do sleep 0.05; done) & echo $!; " + ready() + "wait");
  ASSERT_EQ(host.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
  const pid_t left_behind = std::stoi(job->out());
  EXPECT_TRUE(eventually([&] { return ::kill(left_behind, 0) != 0; }));
}

TEST_F(LockRunLoss, ProcessLeftTheGroupOfTheCommand_ItIsEndedToo) {
  const auto job =
      hold({"--grace", "100ms"}, "setsid sh -c \"echo \\$\\$; " + ready() + "exec sleep 1000\" & exec sleep 1000");
  ASSERT_EQ(host.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(::kill(std::stoi(job->out()), 0), 0) << "it worked on without the lock";
}

TEST_F(LockRunLoss, AgentIsKilled_EndsTheCommandAndTheLockEndsByItself) {
  const auto job = hold({"--ttl", "6s"}, ready() + "exec sleep 1000");
  host.agent().kill();
  EXPECT_EQ(job->wait(), 123);
  host.agent().start();
  EXPECT_TRUE(eventually([&] { return host.free("job"); }));
}

TEST_F(LockRunLoss, AgentHangs_EndsTheCommandWhenTheLeaseEnds) {
  const auto job = hold({"--ttl", "6s"}, ready() + "exec sleep 1000");
  host.agent().signal(SIGSTOP);
  EXPECT_EQ(job->wait(), 123) << "the validity ends whether or not anybody says so";
  host.agent().signal(SIGCONT);
}

// As after a Ctrl-Z: the agent has renewed the lock all the time.
TEST(LockRunStopped, ManyRenewalsCameMeanwhile_NewestOneCounts) {
  const auto renewed = [](std::int64_t until) {
    return R"({"event":"renewed","ttl_ms":30000,"valid_until_boot_ms":)" + std::to_string(until) + "}\n";
  };
  constexpr std::int64_t far = 9'000'000'000'000'000;
  std::atomic<bool> stopped{false};
  std::atomic<bool> sent{false};
  const ScriptedAgent agent([&](int client, int) {
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client,
                       "HTTP/1.0 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
                       R"({"event":"acquired","name":"job","owner":"me","fence":7,"ttl_ms":30000,)"
                       R"("valid_until_boot_ms":)" +
                           std::to_string(far) + "}\n");
    EXPECT_TRUE(eventually([&] { return stopped.load(); }));
    for (std::int64_t past = 1; past <= 200; ++past) ScriptedAgent::say(client, renewed(past));
    ScriptedAgent::say(client, renewed(far));
    sent = true;
    ScriptedAgent::hear(client);  // the end
    ScriptedAgent::say(client, "{\"event\":\"released\"}\n");
  });
  const TempDir dir;
  const std::string begun = (dir / "begun").string();
  const std::string end = (dir / "end").string();
  Process job({JETONCTL, "--dir", agent.directory(), "lock", "run", "job", "--", "sh", "-c",
               ": >" + begun + "; while [ ! -e " + end + " ]; do sleep 0.02; done; exit 7"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
  job.signal(SIGSTOP);
  stopped = true;
  ASSERT_TRUE(eventually([&] { return sent.load(); }));
  job.signal(SIGCONT);
  static_cast<void>(dir.write("end", ""));
  EXPECT_EQ(job.wait(), 7) << job.err();
  EXPECT_EQ(job.err(), "");
}

TEST(LockRunNews, NextAgentHasNoRoomForTheLockYet_IsAskedAgain) {
  const std::string granted =
      "HTTP/1.0 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
      R"({"event":"acquired","name":"job","owner":"me","fence":7,"ttl_ms":30000,"outlives_agent":true,)"
      R"("valid_until_boot_ms":9000000000000000})"
      "\n";
  const TempDir dir;
  const ScriptedAgent agent([&](int client, int connection) {
    ScriptedAgent::hear(client);
    if (connection == 1) {
      ScriptedAgent::say(client, "HTTP/1.0 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    ScriptedAgent::say(client, granted);
    if (connection == 0) return;
    static_cast<void>(dir.write("end", ""));
    ScriptedAgent::hear(client);
    ScriptedAgent::say(client, "{\"event\":\"released\"}\n");
  });
  const std::string end = (dir / "end").string();
  Process job({JETONCTL, "--dir", agent.directory(), "lock", "run", "job", "--", "sh", "-c",
               "while [ ! -e " + end + " ]; do sleep 0.02; done; exit 7"});
  EXPECT_EQ(job.wait(), 7) << job.err();
  EXPECT_EQ(job.err(), "");
}

TEST_F(LockRunLoss, LeaseIsCutShortAndAgentHangs_EndsTheCommandWhenTheShorterOneEnds) {
  const auto job = hold({"--ttl", "1h"}, ready() + "exec sleep 1000");
  ASSERT_EQ(host.extend("job", host.show("job"), "6s"), 0);
  ASSERT_TRUE(host.held("job"));  // by now the agent has told jetonctl
  host.agent().signal(SIGSTOP);
  EXPECT_EQ(job->wait(), 123) << "another host may have the lock by now";
  host.agent().signal(SIGCONT);
}

// The agent stops in good order: the command ends before anybody else can have the lock.
TEST_F(LockRunLoss, AgentStops_EndsTheCommandAndTheLockIsGivenBack) {
  const auto job = hold({"--ttl", "1h"}, "trap 'exit 0' TERM; " + ready() + "while :; do sleep 0.05; done");
  host.agent().signal(SIGTERM);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(host.agent().wait(), 0);
  host.agent().start();
  EXPECT_TRUE(host.free("job")) << host.show("job");
}

}  // namespace
}  // namespace jeton::test
