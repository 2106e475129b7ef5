// Locks over a quorum of five servers.
#include <signal.h>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

constexpr const char* quorum_key = "jeton:lock:{job}";

class LockOnAQuorum : public testing::Test {
 protected:
  LockOnAQuorum() {
    std::string urls;
    for (int i = 0; i < 5; ++i) {
      servers.push_back(std::make_unique<RedisServer>());
      urls += (urls.empty() ? "'" : ", '") + servers.back()->tcp_url() + "'";
    }
    host = std::make_unique<LockHost>("coordination:\n  backend: redlock\n  redlock: {timeout: 300ms, endpoints: [" +
                                      urls + "]}\n");
    EXPECT_TRUE(eventually([&] { return host->free("job"); }));
  }
  [[nodiscard]] int count(const std::string& value) const {
    int found = 0;
    for (const auto& server : servers) found += server->cli({"GET", quorum_key}) == value ? 1 : 0;
    return found;
  }

  std::vector<std::unique_ptr<RedisServer>> servers;
  std::unique_ptr<LockHost> host;
};

TEST_F(LockOnAQuorum, StandsOnEveryServerWithItsOwnerAndItsTimeToLive) {
  const auto before = std::chrono::steady_clock::now();
  const Json lock = host->acquire("job", "60s", {"--wait", "20s"});
  ASSERT_TRUE(lock.is_object());
  EXPECT_TRUE(eventually([&] { return count(lock["owner"]) == 5; }));
  for (const auto& server : servers) {
    const int left = std::stoi(server->cli({"PTTL", quorum_key}));
    const auto since = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
    EXPECT_LE(left, 60'000);
    EXPECT_GE(left, 60'000 - since.count() - 5) << "it began before it was asked for";
  }
  ASSERT_EQ(host->release("job", lock), 0);
  EXPECT_TRUE(eventually([&] { return count("") == 5; }));
}

TEST_F(LockOnAQuorum, OfWhichOneServerIsNamedTwiceIsRefusedAtTheStart) {
  const std::string one = servers[0]->tcp_url();
  const std::string other = servers[1]->tcp_url();
  const TempDir dir;
  const auto config = dir.write("agent.yaml", "version: 1\nagent: {runtime_dir: " + (dir / "run").string() +
                                                  "}\ncoordination:\n  backend: redlock\n  redlock: {endpoints: ['" +
                                                  one + "', '" + other + "', '" + one + "']}\nlocks: {job: {}}\n");
  const RunResult refused = run({JETON_AGENT_BINARY, "run", "--config", config});
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.err.find("agent.yaml:5:"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("twice"), std::string::npos) << refused.err;
}

TEST_F(LockOnAQuorum, IsWonIfAndOnlyIfAMajorityIsFree) {
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    SCOPED_TRACE(pattern);
    int taken = 0;
    for (unsigned i = 0; i < 5; ++i) {
      servers[i]->cli({"DEL", quorum_key});
      if ((pattern >> i & 1U) == 0) continue;
      servers[i]->cli({"SET", quorum_key, "foreign", "PX", "3600000"});
      ++taken;
    }
    const Json lock = host->acquire("job", "60s");
    EXPECT_EQ(lock.is_object(), taken <= 2);
    if (lock.is_object()) {
      ASSERT_EQ(host->release("job", lock), 0);
    }
    EXPECT_TRUE(eventually([&] { return count("") == 5 - taken && count("foreign") == taken; }));
  }
}

TEST_F(LockOnAQuorum, IsHeldAndRenewedWhileAMinorityIsSilent) {
  const auto job = host->start({"run", "job", "--ttl", "2s", "--", "sleep", "5"});
  ASSERT_TRUE(eventually([&] { return count("") == 0; }));
  servers[0]->signal(SIGSTOP);
  servers[3]->kill();
  EXPECT_EQ(job->wait(), 0) << job->err();
  EXPECT_EQ(host->lock({"run", "job", "--wait", "10s", "--", "true"}).status, 0);
  servers[0]->signal(SIGCONT);
}

TEST_F(LockOnAQuorum, WithoutAMajorityIsLostAndThatIsNoBusy) {
  const auto job = host->start({"run", "job", "--ttl", "2s", "--", "sleep", "1000"});
  ASSERT_TRUE(eventually([&] { return count("") == 0; }));
  for (const int i : {0, 2, 4}) servers[static_cast<std::size_t>(i)]->kill();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(host->lock({"acquire", "job", "--ttl", "60s"}).status, 2);
}

TEST_F(LockOnAQuorum, IsGivenBackToAMinorityThatRestartsEmpty) {
  const auto job = host->start({"run", "job", "--ttl", "3s", "--", "sleep", "1000"});
  ASSERT_TRUE(eventually([&] { return count("") == 0; }));
  const std::string owner = host->show("job")["owner"];
  servers[1]->kill();
  servers[1]->restart();
  EXPECT_TRUE(eventually([&] { return count(owner) == 5; }));
  EXPECT_TRUE(job->running());
}

}  // namespace
}  // namespace jeton::test
