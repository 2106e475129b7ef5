// Applications as processes: they count together, and leave nothing behind (lock scenarios 4, 15, 16, 19).
#include <signal.h>

#include <fstream>
#include <vector>

#include "tests/integration/client_locks/lock_host.hpp"

namespace jeton::test {
namespace {

bool says(const Process& process, const std::string& text) {
  return eventually([&] { return process.out().find(text) != std::string::npos; });
}

TEST_P(Locks, SixteenWorkersLoseNoCount) {
  const TempDir dir;
  const std::filesystem::path file = dir.write("number", "0\n");
  std::vector<std::unique_ptr<Process>> workers;
  for (int i = 0; i < 16; ++i) {
    workers.push_back(std::make_unique<Process>(worker(*agent, "10000", {"count", file, "100"})));
  }
  for (const auto& one : workers) EXPECT_EQ(one->wait(), 0) << one->err();
  EXPECT_EQ(read_file(file), "1600\n");
}

TEST_P(Locks, IsFreeWhenItsHolderIsKilled) {
  Process holder(worker(*agent, "60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  EXPECT_FALSE(lock().try_lock());
  holder.kill();
  EXPECT_TRUE(lock().lock_for(patience));
}

TEST_P(Locks, IsFreeWhenItsHolderIsKilledThoughItsChildLivesOn) {
  Process holder(worker(*agent, "60000", {"fork"}));
  ASSERT_TRUE(says(holder, "held"));
  const std::string out = holder.out();
  const pid_t child = std::stoi(out.substr(out.find("child ") + 6));
  holder.kill();
  Lock next = lock();
  EXPECT_TRUE(next.lock_for(patience));
  EXPECT_EQ(::kill(child, 0), 0);  // it has had no part in this
  ::kill(child, SIGKILL);
}

TEST_P(Locks, SigtermWhileWaitingLeavesNothingBehind) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  Process waiter(worker(*agent, "60000", {"wait"}));
  ASSERT_TRUE(says(waiter, "waiting"));
  waiter.signal(SIGTERM);
  EXPECT_EQ(waiter.wait(), 3);
  EXPECT_TRUE(holder.unlock().ok());
  EXPECT_TRUE(lock().lock_for(patience));
}

TEST_P(Locks, SigtermWhileHoldingGivesItBack) {
  Process holder(worker(*agent, "60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  holder.signal(SIGTERM);
  EXPECT_EQ(holder.wait(), 0) << holder.out();
  EXPECT_TRUE(lock().try_lock());
}

TEST_P(Locks, AProcessIsToldOfTheLoss) {
  Process holder(worker(*agent, "60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  agent->process().kill();
  EXPECT_EQ(holder.wait(), 4);
  EXPECT_TRUE(says(holder, "lost"));
}

TEST_F(RedisLocks, AWaiterKilledAtAnyMomentLeavesNoKey) {
  for (int round = 0; round < 20; ++round) {
    Process one(worker(agent, "60000", {"hold"}));
    ::usleep(static_cast<useconds_t>(round) * 500);  // from before the request to after the answer
    one.kill();
    EXPECT_TRUE(eventually([&] { return value().empty(); }));
  }
}

}  // namespace
}  // namespace jeton::test
