// kill -9, SIGSTOP and SIGTERM while jetonctl waits, holds and gives back.
#include <signal.h>

#include <fstream>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class KilledWhileWaiting : public LocalHost {
 protected:
  // Held without a process; and one process waits for it, to touch `ran`.
  void SetUp() override {
    first = host.acquire("job", "1h", {"--wait", "60s"});
    ASSERT_TRUE(first.is_object());
    waiter = host.start({"run", "job", "--wait", "1h", "--", "sh", "-c", "echo ran >> " + ran().string()});
    ASSERT_TRUE(host.waiting(1)) << waiter->err();
  }
  [[nodiscard]] std::filesystem::path ran() const { return dir / "ran"; }

  TempDir dir;
  Json first;
  std::unique_ptr<Process> waiter;
};

TEST_F(KilledWhileWaiting, Jetonctl_DelaysNoOther) {
  waiter->kill();
  ASSERT_EQ(host.release("job", first), 0);
  EXPECT_EQ(host.lock({"run", "job", "--wait", "60s", "--", "true"}).status, 0);
  EXPECT_TRUE(eventually([&] { return host.free("job"); }));
  EXPECT_FALSE(std::filesystem::exists(ran()));
}

TEST_F(KilledWhileWaiting, Agent_TakesTheWaitWithIt) {
  host.agent().kill();
  EXPECT_EQ(waiter->wait(), 125);
  host.agent().start();
  EXPECT_TRUE(eventually([&] { return host.held("job"); })) << "it is the owner's who knows its id";
  EXPECT_EQ(host.show("job")["owner"], first["owner"]);
  EXPECT_EQ(host.release("job", first), 0);
  EXPECT_EQ(host.lock({"run", "job", "--wait", "60s", "--", "true"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(ran()));
}

class KilledWhileGivingBack : public HostOnRedis {
 protected:
  // The command has ended, and the agent has begun to give its lock back; nothing of it arrives.
  void begin_release(const std::string& ttl) {
    const std::string begun = (dir / "begun").string();
    job = host.start({"run", "job", "--ttl", ttl, "--", "sh", "-c",
                      "touch " + begun + "; until test -e " + (dir / "end").string() + "; do sleep 0.02; done"});
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); })) << job->err();
    proxy.set(RedisProxy::Mode::held);
    dir.write("end", "");
    ASSERT_TRUE(eventually([&] { return proxy.holds(release_message); })) << "no release";
  }

  TempDir dir;
  std::unique_ptr<Process> job;
};

TEST_F(KilledWhileGivingBack, Jetonctl_LockIsGivenBackAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(begin_release("1h"));
  job->kill();
  proxy.set(RedisProxy::Mode::open);
  EXPECT_TRUE(eventually([&] { return value().empty(); })) << "long before its TTL";
  EXPECT_TRUE(can_be_had(host));
}

TEST_F(KilledWhileGivingBack, Agent_JetonctlSaysThatTheLockEndsByItself) {
  ASSERT_NO_FATAL_FAILURE(begin_release("1h"));
  host.agent().kill();
  EXPECT_EQ(job->wait(), 0) << job->err();  // the command had ended under its lock
  EXPECT_NE(job->err().find("the lock will expire"), std::string::npos) << job->err();
}

// jetonctl ends with its command's status although no answer comes; the agent goes on trying.
TEST_F(KilledWhileGivingBack, Command_JetonctlDoesNotWaitForAnAnswerForEver) {
  job = hold("1h");
  proxy.set(RedisProxy::Mode::held);
  job->signal(SIGTERM);
  EXPECT_EQ(job->wait(), 128 + SIGTERM);
  EXPECT_NE(job->err().find("did not confirm the release"), std::string::npos) << job->err();
  EXPECT_NE(value(), "");
  proxy.set(RedisProxy::Mode::open);
  EXPECT_TRUE(eventually([&] { return value().empty(); })) << "long before its TTL";
}

class KilledWhileHolding : public HostOnRedis {
 protected:
  // The command line of the example of a resource that checks fences; the fence comes in JETON_LOCK_FENCE.
  [[nodiscard]] std::string write(const std::string& text) const {
    return std::string("/usr/bin/python3 " JETON_FENCED_STORE " ") + resource().string() + " " + text;
  }
  [[nodiscard]] std::filesystem::path resource() const { return dir / "report.json"; }

  LockHost other{on_redis(redis)};
  TempDir dir;
};

TEST_F(KilledWhileHolding, Agent_EndsTheCommandBeforeAnotherHostHasTheLock) {
  const std::filesystem::path log = dir / "log";
  const auto job = host.start({"run", "job", "--ttl", "8s", "--", "sh", "-c",
                               "trap 'echo ended >> " + log.string() + "; exit 0' TERM; echo held >> " + log.string() +
                                   "; while :; do sleep 0.05; done"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(log); }));
  const auto next = other.start({"run", "job", "--wait", "1h", "--", "sh", "-c", "echo next >> " + log.string()});
  host.agent().kill();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(next->wait(), 0) << next->err();
  EXPECT_EQ(read_file(log), "held\nended\nnext\n");
}

// The agent hangs, and the command of its holder ignores SIGTERM.
TEST_F(KilledWhileHolding, AgentIsPausedInstead_WriteAfterTheSuccessorIsRefusedByItsFence) {
  const std::filesystem::path held = dir / "held";
  const std::filesystem::path go = dir / "go";
  const auto late = host.start({"run", "job", "--ttl", "6s", "--grace", "1h", "--", "sh", "-c",
                                "trap '' TERM; touch " + held.string() + "; until test -e " + go.string() +
                                    "; do sleep 0.05; done; " + write("late") + " || exec sleep 0"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); }));
  host.agent().signal(SIGSTOP);
  const RunResult successor =
      other.lock({"run", "job", "--ttl", "60s", "--wait", "30s", "--", "sh", "-c", write("successor")});
  EXPECT_EQ(successor.status, 0) << successor.err;
  const std::string written = read_file(resource());
  EXPECT_NE(written.find("successor"), std::string::npos) << written;
  dir.write("go", "");
  EXPECT_EQ(late->wait(), 123) << late->err();
  EXPECT_NE(late->err().find("is too low"), std::string::npos) << late->err();
  EXPECT_EQ(read_file(resource()), written);
  host.agent().signal(SIGCONT);
}

TEST_F(KilledWhileHolding, AgentIsPausedBeyondTheTimeToLive_NeitherGivesBackNorExtendsTheSuccessors) {
  // Long enough to be told of: an acquisition that comes too late is none.
  const Json stale = host.acquire("job", "6s");
  ASSERT_TRUE(stale.is_object());
  host.agent().signal(SIGSTOP);
  const Json successor = other.acquire("job", "1h", {"--wait", "50s"});
  ASSERT_TRUE(successor.is_object());
  host.agent().signal(SIGCONT);
  EXPECT_EQ(host.release("job", stale), 5);
  EXPECT_EQ(host.extend("job", stale, "1h"), 5);
  EXPECT_EQ(other.show("job")["owner"], successor["owner"]);
}

// kill -9 of the agent before its question to Redis, behind the answer, and when it is about to tell: no client knows
// of the lock, and it ends by itself.
TEST_F(KilledWhileHolding, AgentBeforeItSaysThatItHolds_LockEndsByItself) {
  for (const std::string step : {"locks.acquire.sending", "locks.acquire.answered", "locks.session.held"}) {
    SCOPED_TRACE(step);
    ProcessOptions options;
    options.env = {{"JETON_FAILPOINTS", step + "=kill"}};
    AgentProcess armed(AgentSettings{}, options);
    armed.write_config("version: 1\nagent: {runtime_dir: " + armed.runtime_dir().string() + "}\n" + on_redis(redis) +
                       "locks: {\"job*\": {}}\n");
    armed.start();
    const RunResult result =
        run({JETONCTL, "--dir", armed.runtime_dir(), "lock", "run", "job", "--ttl", "4s", "--", "true"});
    EXPECT_EQ(result.status, 125);
    EXPECT_EQ(armed.wait(), 128 + SIGKILL) << "the failpoint was not passed";
    EXPECT_TRUE(eventually([&] { return host.lock({"run", "job", "--", "true"}).status == 0; }));
  }
}

// kill -9 of the agent that has passed the lock on and is about to tell Redis, which has the former owner until its
// TTL ends.
TEST_F(KilledWhileHolding, AgentBeforeItTellsThatItPassedTheLockOn_LockEndsByItself) {
  ProcessOptions options;
  options.env = {{"JETON_FAILPOINTS", "locks.pass.sending=kill"}};
  AgentProcess armed(AgentSettings{}, options);
  armed.write_config("version: 1\nagent: {runtime_dir: " + armed.runtime_dir().string() + "}\n" + on_redis(redis) +
                     "locks: {\"job*\": {}}\n");
  armed.start();
  const auto start_job = [&] {
    return std::make_unique<Process>(std::vector<std::string>{JETONCTL, "--dir", armed.runtime_dir(), "lock", "run",
                                                              "job", "--ttl", "6s", "--wait", "60s", "--", "true"});
  };
  // A lock is passed on in the 100 ms after it was taken from Redis only (LockQueue::longest_tenure), and a process of
  // a busy machine may take longer: then the next two have the chance.
  EXPECT_TRUE(eventually([&] {
    const auto one = start_job();
    const auto next = start_job();
    one->wait();
    next->wait();
    return !armed.running();
  })) << "the failpoint was not passed";
  EXPECT_TRUE(can_be_had(host));
}

}  // namespace
}  // namespace jeton::test
