// Many workers on several hosts.
#include <fstream>
#include <numeric>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

class FleetOfLocks : public testing::Test {
 protected:
  FleetOfLocks() {
    for (int i = 0; i < 4; ++i) hosts.push_back(std::make_unique<LockHost>(on_redis(redis, "5s")));
  }
  RedisServer redis;
  std::vector<std::unique_ptr<LockHost>> hosts;
  TempDir dir;
};

// An unprotected counter, read, then written: every update that overlaps with another is lost.
TEST_F(FleetOfLocks, CountsEveryIncrementOfAllWorkers) {
  constexpr int workers = 16;
  constexpr int rounds = 15;
  const std::filesystem::path counter = dir.write("counter", "0\n");
  const std::string work = "n=$(cat " + counter.string() + "); echo $((n + 1)) > " + counter.string();
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < workers; ++i) {
    const std::string loop =
        "i=0; while [ $i -lt " + std::to_string(rounds) +
        " ]; do \"$0\" --dir \"$1\" lock run job --wait 10m -- sh -c \"$2\" || exit 1; i=$((i + 1)); done";
    all.push_back(std::make_unique<Process>(std::vector<std::string>{
        "sh", "-c", loop, JETONCTL, hosts[static_cast<std::size_t>(i % 4)]->agent().runtime_dir(), work}));
  }
  for (const auto& worker : all) EXPECT_EQ(worker->wait(std::chrono::seconds(150)), 0) << worker->err();
  int count = 0;
  std::ifstream(counter) >> count;
  EXPECT_EQ(count, workers * rounds);
}

// As timers of many hosts would start it in the same second: the lock of the round is left to its time to live.
TEST_F(FleetOfLocks, RunsATimersJobOnce) {
  const std::string ran = (dir / "ran").string();
  std::vector<std::unique_ptr<Process>> timers;
  for (int i = 0; i < 24; ++i) {
    timers.push_back(std::make_unique<Process>(std::vector<std::string>{
        "sh", "-c", "\"$0\" --dir \"$1\" lock acquire job-20260101 --ttl 1h >/dev/null && echo ran >> " + ran, JETONCTL,
        hosts[static_cast<std::size_t>(i % 4)]->agent().runtime_dir()}));
  }
  for (const auto& timer : timers) static_cast<void>(timer->wait());
  EXPECT_EQ(read_file(ran), "ran\n");
}

TEST_F(FleetOfLocks, WakesAWaiterOfAnotherHost) {
  const Json lock = hosts[0]->acquire("job", "1h");
  const auto waiter = hosts[1]->start({"run", "job", "--wait", "60s", "--", "true"});
  ASSERT_EQ(hosts[2]->release("job", lock), 0) << "whoever knows the owner id";
  EXPECT_EQ(waiter->wait(), 0);
}

TEST_F(FleetOfLocks, TellsTheHolderOfAnotherHostLongBeforeTheRenewalThatItWasTaken) {
  const auto job = hosts[0]->start({"run", "job", "--ttl", "24h", "--", "sleep", "1000"});
  ASSERT_TRUE(eventually([&] { return hosts[1]->held("job"); }));
  ASSERT_EQ(hosts[1]->lock({"release", "job", "--force"}).status, 0);
  EXPECT_EQ(job->wait(), 123);
}

}  // namespace
}  // namespace jeton::test
