// jetonctl lock run when the lock is lost: the command never goes on without it.
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

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
