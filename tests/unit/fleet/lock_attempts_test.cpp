#include "agent/fleet/redlock/lock_attempts.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "tests/support/virtual_timers.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class LockAttemptsTest : public testing::Test {
 protected:
  // What one contender was answered.
  struct Answer {
    bool ended = false;
    AcquireResult result;
    std::string error;
  };

  // Everything that is under way ends before what it writes to.
  void TearDown() override { finish(lose, 1000); }

  // An attempt that goes on until finish() or fail().
  Task<AcquireResult> attempt() {
    const int number = ++attempts;
    while (finished < number) co_await changed.wait();
    if (unreachable) throw TransportError("no majority");
    co_return outcome;
  }
  std::shared_ptr<Answer> contend(boost::asio::cancellation_signal* cancel = nullptr) {
    auto answer = std::make_shared<Answer>();
    const auto done = [answer](const std::exception_ptr& e, AcquireResult result) {
      answer->ended = true;
      answer->result = std::move(result);
      try {
        if (e) std::rethrow_exception(e);
      } catch (const std::exception& error) {
        answer->error = error.what();
      }
    };
    boost::asio::cancellation_slot slot;
    if (cancel != nullptr) slot = cancel->slot();
    const LockAttempts::Attempt ask = [this] { return attempt(); };
    boost::asio::co_spawn(timers.executor(), one.run("lock", ask), boost::asio::bind_cancellation_slot(slot, done));
    timers.run_for(1ms);
    return answer;
  }
  // Ends the next so many attempts, in the order in which they begin.
  void finish(const std::function<void(AcquireResult&)>& set, int so_many = 1) {
    outcome = {};
    set(outcome);
    finished += so_many;
    changed.notify();
    timers.run_for(1ms);
  }
  static void win(AcquireResult& result) { result.lease = Lease{"winner", 7, 60s, BootTime{2h}}; }
  static void lose(AcquireResult& result) { result.holder = "another host"; }

  test::VirtualTimers timers;
  Event changed{timers};
  LockAttempts one{timers};
  AcquireResult outcome;
  bool unreachable = false;
  int attempts = 0;  // that have begun
  int finished = 0;
};

TEST_F(LockAttemptsTest, ContendersWhileOneWins_AreBusyWithoutAnAttempt) {
  std::vector<std::shared_ptr<Answer>> contenders;
  for (int i = 0; i < 100; ++i) contenders.push_back(contend());
  finish(win);
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(contenders.front()->result.lease->fence, 7U);
  for (std::size_t i = 1; i < contenders.size(); ++i) {
    ASSERT_TRUE(contenders[i]->ended);
    EXPECT_FALSE(contenders[i]->result.lease);
    EXPECT_EQ(contenders[i]->result.holder, "winner");
    EXPECT_EQ(contenders[i]->result.busy_until, BootTime{2h});
  }
}

TEST_F(LockAttemptsTest, ContenderAfterAWin_MakesItsOwnAttempt) {
  contend();
  finish(win);
  const auto later = contend();
  EXPECT_EQ(attempts, 2);
  finish(lose);
  EXPECT_EQ(later->result.holder, "another host");
}

// The holder may have released the lock after the first attempt was answered by the servers, and before the others
// arrived here.
TEST_F(LockAttemptsTest, AttemptThatBeganBeforeAnArrival_DoesNotMakeItBusy) {
  const auto first = contend();
  const auto second = contend();
  const auto third = contend();
  finish(lose);
  EXPECT_TRUE(first->ended);
  EXPECT_FALSE(second->ended);
  EXPECT_EQ(attempts, 2);
  finish(win);
  EXPECT_TRUE(second->result.lease);
  EXPECT_EQ(third->result.holder, "winner");
}

TEST_F(LockAttemptsTest, AttemptThatBeganAfterAnArrival_AnswersIt) {
  contend();
  const auto second = contend();
  const auto third = contend();
  finish(lose);
  const auto fourth = contend();
  finish(lose);
  EXPECT_TRUE(second->ended);
  EXPECT_TRUE(third->ended);
  EXPECT_EQ(third->result.holder, "another host");
  EXPECT_FALSE(fourth->ended) << "the second attempt had begun before";
  EXPECT_EQ(attempts, 3);
}

TEST_F(LockAttemptsTest, ServersOutOfReach_AreFoundOutOnceForAllThatWait) {
  const auto first = contend();
  const auto second = contend();
  unreachable = true;
  finish(lose);
  EXPECT_EQ(first->error, "no majority");
  EXPECT_EQ(second->error, "no majority");
  EXPECT_EQ(attempts, 1);
}

TEST_F(LockAttemptsTest, CancelledAttempt_LeavesItToTheNext) {
  boost::asio::cancellation_signal cancel;
  const auto first = contend(&cancel);
  const auto second = contend();
  cancel.emit(boost::asio::cancellation_type::terminal);
  timers.run_for(1ms);
  EXPECT_TRUE(first->ended);
  EXPECT_EQ(attempts, 2);
  finish(win, 2);
  EXPECT_TRUE(second->result.lease);
}

}  // namespace
}  // namespace jeton::agent
