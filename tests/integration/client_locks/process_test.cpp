// Applications as processes, and signals: nothing is left behind.
#include <signal.h>

#include <fstream>
#include <vector>

#include "tests/integration/client_locks/client_host.hpp"

namespace jeton::test {
namespace {

TEST_F(Locks, HolderIsKilled_IsFree) {
  Process holder(host.worker("60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  EXPECT_FALSE(lock().try_lock());
  holder.kill();
  EXPECT_TRUE(lock().lock_for(patience));
}

TEST_F(Locks, HolderIsKilledAndItsChildLivesOn_IsFree) {
  Process holder(host.worker("60000", {"fork"}));
  ASSERT_TRUE(says(holder, "held"));
  const std::string out = holder.out();
  const pid_t child = std::stoi(out.substr(out.find("child ") + 6));
  holder.kill();
  Lock next = lock();
  EXPECT_TRUE(next.lock_for(patience));
  EXPECT_EQ(::kill(child, 0), 0);  // it has had no part in this
  ::kill(child, SIGKILL);
}

TEST_F(Locks, SigtermWhileWaiting_LeavesNothingBehind) {
  Lock holder = lock();
  ASSERT_TRUE(holder.try_lock());
  Process waiter(host.worker("60000", {"wait"}));
  ASSERT_TRUE(says(waiter, "waiting"));
  waiter.signal(SIGTERM);
  EXPECT_EQ(waiter.wait(), 3);
  EXPECT_TRUE(holder.unlock().ok());
  EXPECT_TRUE(lock().lock_for(patience));
}

TEST_F(Locks, SigtermWhileHolding_GivesItBack) {
  Process holder(host.worker("60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  holder.signal(SIGTERM);
  EXPECT_EQ(holder.wait(), 0) << holder.out();
  EXPECT_TRUE(lock().try_lock());
}

TEST_F(Locks, AgentIsKilled_ProcessLearnsOfTheLoss) {
  Process holder(host.worker("60000", {"hold"}));
  ASSERT_TRUE(says(holder, "held"));
  host.agent().kill();
  EXPECT_EQ(holder.wait(), 4);
  EXPECT_TRUE(says(holder, "lost"));
}

TEST_F(Locks, WaiterIsKilled_DelaysNoOther) {
  Lock holder = lock();
  ASSERT_TRUE(holder.lock_for(patience));
  Lock behind = lock();
  Process waiter(host.worker("60000", {"wait"}));
  ASSERT_TRUE(says(waiter, "waiting"));
  ASSERT_TRUE(behind.start(seconds(60)).ok());
  waiter.kill();
  EXPECT_TRUE(holder.unlock().ok()) << holder.reason();
  EXPECT_TRUE(eventually([&] { return behind.check().ok(); })) << behind.reason();
}

TEST_F(Locks, AgentIsKilledWhileOneWaits_WaiterGetsAnError) {
  Lock holder = lock("job", seconds(8));
  ASSERT_TRUE(holder.lock_for(patience));
  Lock waiter = lock();
  ASSERT_TRUE(waiter.start(std::chrono::hours(1)).ok());
  ASSERT_TRUE(eventually([&] { return waiter.check() == JETON_LOCK_WAITING; }));
  host.agent().kill();
  EXPECT_TRUE(eventually([&] { return waiter.check() == JETON_NO_AGENT; })) << waiter.reason();
  EXPECT_TRUE(waiter.lost());
  EXPECT_TRUE(holder.lost());
  host.agent().start();
  EXPECT_TRUE(lock().lock_for(patience)) << "within its TTL";
}

}  // namespace
}  // namespace jeton::test
