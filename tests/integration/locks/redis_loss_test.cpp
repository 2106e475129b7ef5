// What befalls a lock in Redis: deleted, flushed, overwritten, restarted, stopped; and what stands there meanwhile.
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"
#include "tests/support/documented_user.hpp"

namespace jeton::test {
namespace {

constexpr const char* key = "jeton:lock:{job}";

class LockInRedis : public testing::Test {
 protected:
  std::unique_ptr<Process> hold(const std::string& ttl, const std::string& seconds = "1000") {
    auto job = host.start({"run", "job", "--ttl", ttl, "--", "sleep", seconds});
    EXPECT_TRUE(eventually([&] { return redis.cli({"EXISTS", key}) == "1"; }));
    return job;
  }
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", host.agent().log().c_str());
  }

  RedisServer redis;
  LockHost host{on_redis(redis)};
};

TEST_F(LockInRedis, StandsUnderItsKeyWithItsOwnerAndItsTimeToLive) {
  const auto before = std::chrono::steady_clock::now();
  const Json lock = host.acquire("job", "60s");
  EXPECT_EQ(redis.cli({"GET", key}), lock["owner"].get<std::string>());
  const int left = std::stoi(redis.cli({"PTTL", key}));
  const auto since = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
  EXPECT_LE(left, 60'000);
  EXPECT_GE(left, 60'000 - since.count() - 5) << "it began before it was asked for";
  EXPECT_EQ(redis.cli({"GET", std::string(key) + ":fence"}), std::to_string(lock["fence"].get<std::uint64_t>()));
  ASSERT_EQ(host.release("job", lock), 0);
  EXPECT_EQ(redis.cli({"EXISTS", key, std::string(key) + ":info"}), "0");
}

TEST_F(LockInRedis, DeletedOrFlushedIsLostAndNotCreatedAgain) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"DEL", key}, std::vector<std::string>{"FLUSHALL"}}) {
    const auto job = hold("1s");
    redis.cli(command);
    EXPECT_EQ(job->wait(), 123);
    EXPECT_EQ(redis.cli({"EXISTS", key}), "0");
  }
}

TEST_F(LockInRedis, OverwrittenIsLostAndTheOtherKeepsIt) {
  const auto job = hold("1s");
  redis.cli({"SET", key, "foreign", "PX", "3600000"});
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(redis.cli({"GET", key}), "foreign");
  EXPECT_GT(std::stoi(redis.cli({"PTTL", key})), 3'000'000) << "neither extended nor shortened";
  EXPECT_EQ(host.show("job")["by"], nullptr) << "the note of the former holder is not his";
}

TEST_F(LockInRedis, IsLostWithAServerThatRestartsEmpty) {
  const auto job = hold("2s");
  redis.kill();
  redis.restart();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(redis.cli({"EXISTS", key}), "0");
}

TEST_F(LockInRedis, FoundGoneOnlyAtTheEndIsStillToldAsLost) {
  const auto job = hold("1h", "1");
  redis.cli({"DEL", key});
  EXPECT_EQ(job->wait(), 123) << job->err();
}

TEST_F(LockInRedis, SurvivesAServerThatIsSilentForLessThanItsTimeToLive) {
  const auto job = hold("6s", "8");
  redis.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return host.agent().log().find("could not be renewed") != std::string::npos; }));
  redis.signal(SIGCONT);
  EXPECT_EQ(job->wait(), 0) << job->err();
}

TEST_F(LockInRedis, IsLostWhenTheServerStaysSilentAndThatIsNoBusy) {
  const auto job = hold("2s");
  redis.signal(SIGSTOP);
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(host.lock({"acquire", "job", "--ttl", "60s"}).status, 2) << "unreachable is not busy";
  EXPECT_EQ(host.lock({"run", "job", "--", "true"}).status, 125);
  redis.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] {
    return host.lock({"run", "job", "--", "true"}).status == 0;
  })) << "what was sent into the silence is taken back";
}

TEST_F(LockInRedis, RisesItsFenceAlsoAfterEverythingWasFlushed) {
  const Json before = host.acquire("job", "60s");
  redis.cli({"FLUSHALL"});
  EXPECT_GT(host.acquire("job", "60s")["fence"], before["fence"]);
}

TEST_F(LockInRedis, NeedsNoMoreRightsThanTokensDo) {
  ASSERT_EQ(redis.cli(documented_user("s3cret")), "OK");
  TempDir dir;
  const std::string password = dir.write("password", "s3cret").string();
  LockHost limited("coordination:\n  backend: redis\n  redis: {endpoint: '" + redis.unix_url() +
                   "', username: agent, password: '${file:" + password + "}'}\n");
  const Json lock = limited.acquire("job", "60s");
  ASSERT_TRUE(lock.is_object()) << limited.agent().log();
  EXPECT_EQ(limited.extend("job", lock, "50s"), 0);
  const auto waiter = limited.start({"run", "job", "--wait", "60s", "--", "true"});
  EXPECT_EQ(limited.lock({"acquire", "job", "--ttl", "1s", "--wait", "10ms"}).status, 4);
  EXPECT_EQ(limited.lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(waiter->wait(), 0) << waiter->err();
  EXPECT_EQ(redis.cli({"ACL", "LOG"}), "") << "something was refused";
}

TEST_F(LockInRedis, WithoutAnEndIsBusyAndSaysWhatToDo) {
  redis.cli({"SET", key, "by-hand"});
  const RunResult busy = host.lock({"acquire", "job", "--ttl", "60s"});
  EXPECT_EQ(busy.status, 4);
  EXPECT_NE(busy.err.find("DEL it"), std::string::npos) << busy.err;
}

// kill -9 of the agent between the answer of Redis and its own: nobody knows of the lock, and it ends by itself.
TEST_F(LockInRedis, TakenByAnAgentThatDiesBeforeItSaysSoEndsByItself) {
  ProcessOptions options;
  options.env = {{"JETON_FAILPOINTS", "locks.acquire.answered=kill"}};
  AgentProcess armed(AgentSettings{}, options);
  armed.write_config("version: 1\nagent: {runtime_dir: " + armed.runtime_dir().string() + "}\n" + on_redis(redis) +
                     "locks: {\"job*\": {}}\n");
  armed.start();
  const RunResult result =
      run({JETONCTL, "--dir", armed.runtime_dir(), "lock", "run", "job", "--ttl", "2s", "--", "true"});
  EXPECT_EQ(result.status, 125);
  EXPECT_TRUE(eventually([&] { return host.lock({"run", "job", "--", "true"}).status == 0; }));
}

}  // namespace
}  // namespace jeton::test
