// jetonctl on a real Redis: its status when the server fails, and the rights that the agent needs.
#include <signal.h>
#include <unistd.h>

#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/documented_user.hpp"

namespace jeton::test {
namespace {

class LockOnRedis : public HostOnRedis {};

TEST_F(LockOnRedis, KeyIsDeleted_CommandEndsBecauseTheLockIsLost) {
  const auto job = hold("6s");
  redis.cli({"DEL", key});
  EXPECT_EQ(job->wait(), 123);
  EXPECT_NE(job->err().find("is lost"), std::string::npos) << job->err();
  EXPECT_EQ(value(), "");
}

TEST_F(LockOnRedis, RenewalIsRefused_HolderAndLogSayWhy) {
  const auto job = hold("6s");
  ASSERT_EQ(redis.cli({"ACL", "SETUSER", "default", "-eval", "-evalsha"}), "OK");
  const auto says_why = [](const std::string& text) {
    const std::size_t at = text.find("it could not be renewed in time: ");
    return at != std::string::npos && text.find("NOPERM", at) != std::string::npos;
  };
  // The agent is a few milliseconds ahead of what the holder's own clock would tell in other words.
  job->signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return says_why(host.agent().log()); })) << host.agent().log();
  job->signal(SIGCONT);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_TRUE(says_why(job->err())) << job->err();
}

TEST_F(LockOnRedis, ServerIsFull_LockIsRenewed) {
  const auto job = hold("6s");
  redis.cli({"CONFIG", "SET", "maxmemory", "1"});
  long last = std::stol(redis.cli({"PTTL", key}));
  EXPECT_TRUE(eventually([&] {
    const long left = std::stol(redis.cli({"PTTL", key}));
    return left > std::exchange(last, left);
  }));
  EXPECT_TRUE(job->running());
}

TEST_F(LockOnRedis, AnotherHasTaken_HolderIsToldWho) {
  LockHost other(coordination_on({proxy.url()}));
  const auto job = hold("1h");
  host.agent().signal(SIGSTOP);  // it would find the lock free first
  redis.cli({"DEL", key});
  ASSERT_TRUE(other.acquire("job", "1h").is_object());
  host.agent().signal(SIGCONT);
  // An agent that is notified of a release looks at its lock.
  EXPECT_TRUE(eventually([&] {
    redis.cli({"PUBLISH", std::string(key) + ":released", "{}"});
    return !job->running();
  }));
  EXPECT_EQ(job->wait(), 123);
  // The loss does not wait for long to hear who it was: tests/virtual/locks/loss_cause_test.cpp shows both answers.
  const std::string who = job->err();
  const bool is_named = who.find("another owner has it now: ") != std::string::npos &&
                        who.find(" uid " + std::to_string(::geteuid()) + " pid ") != std::string::npos;
  EXPECT_TRUE(is_named || who.find("or was taken by another owner") != std::string::npos) << who;
}

TEST_F(LockOnRedis, KeyIsFoundGoneOnlyAtTheEnd_IsStillReportedAsLost) {
  const TempDir dir;
  const auto job = host.start({"run", "job", "--ttl", "1h", "--", "sh", "-c",
                               "until test -e " + (dir / "end").string() + "; do sleep 0.02; done"});
  ASSERT_TRUE(eventually([&] { return !value().empty(); })) << job->err();
  redis.cli({"DEL", key});
  dir.write("end", "");
  EXPECT_EQ(job->wait(), 123) << job->err();
}

TEST_F(LockOnRedis, OutOfReach_StatusIsNeitherBusyNorNotHeld) {
  const LockHost impatient(coordination_on({proxy.url()}, "500ms"));
  const Json lock = impatient.acquire("job", "60s", {"--wait", "50s"});
  ASSERT_TRUE(lock.is_object());
  proxy.set(RedisProxy::Mode::refused);
  EXPECT_EQ(impatient.extend("job", lock, "60s"), 2);
  EXPECT_EQ(impatient.release("job", lock), 2);
  EXPECT_EQ(impatient.lock({"show", "job"}).status, 2);
  EXPECT_EQ(impatient.lock({"acquire", "job", "--ttl", "60s"}).status, 2);
  EXPECT_EQ(impatient.lock({"run", "job", "--", "true"}).status, 125);
}

TEST_F(LockOnRedis, SetByHandWithoutAnEnd_IsBusyAndSaysWhatToDo) {
  redis.cli({"SET", key, "by-hand"});
  const RunResult busy = host.lock({"acquire", "job", "--ttl", "60s"});
  EXPECT_EQ(busy.status, 4);
  EXPECT_NE(busy.err.find("delete it with DEL"), std::string::npos) << busy.err;
}

// The user that systemd/README.md describes.
TEST_F(LockOnRedis, UserOfTheReadme_HasEveryRightThatIsNeeded) {
  ASSERT_EQ(redis.cli(documented_user("s3cret")), "OK");
  TempDir dir;
  const std::string password = dir.write("password", "s3cret").string();
  LockHost limited("coordination:\n  backend: redis\n  redis: {endpoint: '" + redis.unix_url() +
                   "', timeout: 4s, username: agent, password: '${file:" + password + "}'}\n");
  const Json lock = limited.acquire("job", "60s");
  ASSERT_TRUE(lock.is_object()) << limited.agent().log();
  EXPECT_EQ(limited.extend("job", lock, "50s"), 0);
  const auto waiter = limited.start({"run", "job", "--wait", "60s", "--", "true"});
  EXPECT_EQ(limited.lock({"acquire", "job", "--ttl", "1s", "--wait", "10ms"}).status, 4);
  EXPECT_EQ(limited.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(waiter->wait(), 0) << waiter->err();
  EXPECT_EQ(redis.cli({"ACL", "LOG"}), "") << "something was refused";
}

TEST_F(LockOnRedis, ServerOfAQuorumIsNamedTwice_IsRefusedAtTheStart) {
  const std::string one = redis.unix_url();
  const TempDir dir;
  const auto config =
      dir.write("agent.yaml", "version: 1\nagent: {runtime_dir: " + (dir / "run").string() +
                                  "}\ncoordination:\n  backend: redlock\n  redlock: {endpoints: ['" + one +
                                  "', 'redis://127.0.0.1:1', '" + one + "']}\nlocks: {job: {}}\n");
  const RunResult refused = run({JETON_AGENT_BINARY, "run", "--config", config});
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.err.find("agent.yaml:5:"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("twice"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace jeton::test
