// kill -9 of everyone, in every state: nobody holds what it lost, nothing stays locked beyond its time to live, and no
// command outlives its lock. Holding is in run_loss_test.cpp and redis_loss_test.cpp (agent, Redis) and run_test.cpp
// (jetonctl) too; what is on its way in release_in_flight_test.cpp.
#include <signal.h>

#include <fstream>

#include "tests/integration/locks/fleet_host.hpp"

namespace jeton::test {
namespace {

class KilledWhileWaiting : public EachBackend {
 protected:
  // Held by nobody's process; and one that waits for it, to touch `ran`.
  void SetUp() override {
    first = host->acquire("job", "1h", {"--wait", "20s"});
    ASSERT_TRUE(first.is_object());
    waiter = host->start({"run", "job", "--wait", "1h", "--", "sh", "-c", "echo ran >> " + ran().string()});
    ASSERT_TRUE(eventually([&] { return waits(*waiter); })) << waiter->err();
  }
  // It has asked the agent and sleeps until there is an answer.
  [[nodiscard]] static bool waits(const Process& process) {
    const std::filesystem::path proc = "/proc/" + std::to_string(process.pid());
    bool connected = false;
    for (const auto& fd : std::filesystem::directory_iterator(proc / "fd")) {
      std::error_code closed;
      connected = connected || std::filesystem::read_symlink(fd.path(), closed).string().starts_with("socket:");
    }
    return connected && read_file(proc / "stat").find(") S ") != std::string::npos;
  }
  [[nodiscard]] std::filesystem::path ran() const { return dir / "ran"; }

  TempDir dir;
  Json first;
  std::unique_ptr<Process> waiter;
};

TEST_P(KilledWhileWaiting, JetonctlStandsInNobodysWay) {
  waiter->kill();
  ASSERT_EQ(host->release("job", first), 0);
  EXPECT_EQ(host->lock({"run", "job", "--wait", "20s", "--", "true"}).status, 0);
  EXPECT_TRUE(eventually([&] { return host->free("job"); }));
  EXPECT_FALSE(std::filesystem::exists(ran()));
}

TEST_P(KilledWhileWaiting, TheAgentTakesTheWaitWithIt) {
  host->agent().kill();
  EXPECT_EQ(waiter->wait(), 125);
  host->agent().start();
  EXPECT_TRUE(eventually([&] { return host->held("job"); })) << "it is the owner's who knows its id";
  EXPECT_EQ(host->show("job")["owner"], first["owner"]);
  EXPECT_EQ(host->release("job", first), 0);
  EXPECT_EQ(host->lock({"run", "job", "--wait", "20s", "--", "true"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(ran()));
}

INSTANTIATE_TEST_SUITE_P(Each, KilledWhileWaiting, every_backend, backend_name);

class Killed : public EachFleet {
 protected:
  // "run job" whose command ends when end() is called.
  [[nodiscard]] std::unique_ptr<Process> hold_until_end(const std::string& ttl) const {
    auto job = host().start({"run", "job", "--ttl", ttl, "--", "sh", "-c",
                             "until test -e " + (dir / "end").string() + "; do sleep 0.02; done"});
    EXPECT_TRUE(eventually([&] { return servers.count("") == 0; })) << job->err();
    return job;
  }
  // The command has ended, and the agent has begun to give its lock back; nothing of it arrives.
  void begin_release() const {
    servers.set(RedisProxy::Way::held);
    dir.write("end", "");
    EXPECT_TRUE(eventually([&] { return servers.proxy(0).holds("release"); })) << "no release";
  }

  TempDir dir;
};

TEST_P(Killed, RedisIsAskedAgainByAWaiterWhenItIsBack) {
  const auto job = hold("2s");
  const auto waiter = host().start({"run", "job", "--wait", "1h", "--", "sh", "-c", "echo $JETON_LOCK_FENCE"});
  const std::string fence = servers.cli_of(0, {"GET", servers.key() + ":fence"});
  servers.kill_majority();
  EXPECT_EQ(job->wait(), 123) << "it cannot be renewed";
  EXPECT_TRUE(waiter->running()) << waiter->err();
  servers.restart_majority();
  EXPECT_EQ(waiter->wait(), 0) << waiter->err();
  EXPECT_GT(std::stoull(waiter->out()), std::stoull(fence));
  EXPECT_TRUE(can_be_had(host()));
}

TEST_P(Killed, RedisHasNothingLeftOfALockThatWasBeingGivenBack) {
  const auto job = hold_until_end("1h");
  begin_release();
  servers.kill_majority();
  servers.restart_majority();
  servers.set(RedisProxy::Way::open);
  static_cast<void>(job->wait());  // its own status, or 123: whether it was lost before, nobody can say
  EXPECT_TRUE(can_be_had(host()));
}

TEST_P(Killed, JetonctlHasItsLockGivenBackThoughItDiesMeanwhile) {
  const auto job = hold_until_end("1h");
  begin_release();
  job->kill();
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(eventually([&] { return servers.nowhere(); })) << "long before its time to live";
  EXPECT_TRUE(can_be_had(host()));
}

TEST_P(Killed, TheAgentLeavesWhatItWasGivingBackToItsTimeToLive) {
  const LockHost& other = add_host();
  const auto job = hold_until_end("3s");
  begin_release();
  host().agent().kill();
  EXPECT_EQ(job->wait(), 0) << job->err();  // the command had ended under its lock
  EXPECT_NE(job->err().find("ends by itself"), std::string::npos) << job->err();
  servers.set(RedisProxy::Way::open);
  EXPECT_TRUE(can_be_had(other));
}

TEST_P(Killed, TheAgentWhileItHoldsEndsTheCommandBeforeAnotherHostHasTheLock) {
  const LockHost& other = add_host();
  const std::filesystem::path log = dir / "log";
  const auto job = host().start({"run", "job", "--ttl", "2s", "--", "sh", "-c",
                                 "trap 'echo ended >> " + log.string() + "; exit 0' TERM; echo held >> " +
                                     log.string() + "; while :; do sleep 0.05; done"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(log); }));
  const auto next = other.start({"run", "job", "--wait", "1h", "--", "sh", "-c", "echo next >> " + log.string()});
  host().agent().kill();
  EXPECT_EQ(job->wait(), 123);
  EXPECT_EQ(next->wait(), 0) << next->err();
  EXPECT_EQ(read_file(log), "held\nended\nnext\n");
}

INSTANTIATE_TEST_SUITE_P(Each, Killed, every_fleet, backend_name);

}  // namespace
}  // namespace jeton::test
