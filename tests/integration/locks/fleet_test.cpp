// Many workers on several hosts.
#include <fstream>
#include <numeric>

#include "tests/integration/locks/lock_host.hpp"

namespace jeton::test {
namespace {

#ifdef JETON_SANITIZED
constexpr int rounds = 5;  // what is slow there is the start of a thousand processes
#else
constexpr int rounds = 100;
#endif
constexpr int workers = 16;

// An unprotected counter, read, then written: every update that overlaps with another is lost.
class Counter {
 public:
  // Adds one `rounds` times under the lock "job" of the host.
  void add_worker(LockHost& host) {
    const std::string work = "read n < " + file_.string() + "; pause=$(:); echo $((n + 1)) > " + file_.string();
    const std::string loop = "i=0; while [ $i -lt " + std::to_string(rounds) +
                             " ]; do \"$0\" --dir \"$1\" lock run job --wait 10m -- sh -c \"$2\" || exit 1; "
                             "i=$((i + 1)); done";
    all_.push_back(std::make_unique<Process>(
        std::vector<std::string>{"sh", "-c", loop, JETONCTL, host.agent().runtime_dir(), work}));
  }
  // What stands there when all have ended.
  [[nodiscard]] int result() const {
    for (const auto& worker : all_) EXPECT_EQ(worker->wait(std::chrono::seconds(170)), 0) << worker->err();
    int count = 0;
    std::ifstream(file_) >> count;
    return count;
  }

 private:
  TempDir dir_;
  std::filesystem::path file_ = dir_.write("counter", "0\n");
  std::vector<std::unique_ptr<Process>> all_;
};

class WorkersOfOneHost : public EachBackend {};

TEST_P(WorkersOfOneHost, LoseNoIncrement) {
  Counter counter;
  for (int i = 0; i < workers; ++i) counter.add_worker(*host);
  EXPECT_EQ(counter.result(), workers * rounds);
}

INSTANTIATE_TEST_SUITE_P(Each, WorkersOfOneHost, every_backend, backend_name);

class FleetOfLocks : public testing::Test {
 protected:
  FleetOfLocks() {
    for (int i = 0; i < 4; ++i) hosts.push_back(std::make_unique<LockHost>(on_redis(redis, "5s")));
  }
  RedisServer redis;
  std::vector<std::unique_ptr<LockHost>> hosts;
};

TEST_F(FleetOfLocks, CountsEveryIncrementOfAllWorkers) {
  Counter counter;
  for (std::size_t i = 0; i < workers; ++i) counter.add_worker(*hosts[i % hosts.size()]);
  EXPECT_EQ(counter.result(), workers * rounds);
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

// As the timers of fifty hosts would start it in the same second: the lock of the day is left to its time to live.
TEST(LocksOfManyHosts, RunATimersJobOnce) {
  const RedisServer redis;
  const TempDir dir;
  const std::string second = (dir / "second").string();
  const std::string ran = (dir / "ran").string();
  const std::string timer = "until test -e " + second +
                            "; do sleep 0.05; done; \"$0\" --dir \"$1\" lock acquire job-$(cat " + second +
                            ") --ttl 1h >/dev/null; s=$?; [ $s -ne 0 ] || echo ran >> " + ran + "; exit $s";
  std::vector<std::unique_ptr<LockHost>> hosts;
  std::vector<std::unique_ptr<Process>> timers;
  for (int i = 0; i < 50; ++i) {
    const LockHost& host = *hosts.emplace_back(std::make_unique<LockHost>(on_redis(redis, "10s")));
    timers.push_back(std::make_unique<Process>(
        std::vector<std::string>{"sh", "-c", timer, JETONCTL, hosts.back()->agent().runtime_dir()}));
    EXPECT_TRUE(eventually([&] { return host.free("job-20260101"); }));
  }
  dir.write("second.new", "20260101");
  std::filesystem::rename(dir / "second.new", second);
  int busy = 0;
  for (const auto& one : timers) busy += one->wait() == 4 ? 1 : 0;
  EXPECT_EQ(busy, 49);
  EXPECT_EQ(read_file(ran), "ran\n");
}

}  // namespace
}  // namespace jeton::test
