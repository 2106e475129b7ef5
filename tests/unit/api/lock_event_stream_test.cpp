#include <gtest/gtest.h>

#include "agent/api/locks/lock_reply.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/api/fake_status.hpp"

namespace jeton::agent {
namespace {

using State = LockSession::State;
using namespace std::chrono_literals;

class LockEventSequence : public ::testing::Test {
 protected:
  LockEventSequence() { status.offer_locks(directory.path()); }
  // Sessions end before the broker does.
  ~LockEventSequence() override {
    for (const auto& session : opened) session->cancel();
    EXPECT_TRUE(loop.turn_until([&] { return status.locks()->sessions().held == 0; }));
  }

  std::shared_ptr<LockSession> open(Duration wait = 0s) {
    LockRequest request;
    request.name = "job";
    request.locks.push_back(LockId{"job"});
    request.acquire.ttl = 1h;
    request.wait = wait;
    auto session = opened.emplace_back(status.locks()->open(std::move(request)));
    become(*session, wait == 0s || opened.size() == 1 ? State::held : State::waiting);
    return session;
  }
  void become(const LockSession& session, State state) {
    EXPECT_TRUE(loop.turn_until([&] { return session.state() == state; }));
  }
  void renew(LockSession& session, Duration ttl) { EXPECT_TRUE(loop.run(session.extend("job", ttl))); }

  test::Loop loop;
  test::TempDir directory;
  test::FakeStatus status{loop.timers};
  std::vector<std::shared_ptr<LockSession>> opened;
};

TEST_F(LockEventSequence, Renewed_IsTheNextEventOnceForAnyNumberOfRenewals) {
  const auto session = open();
  LockEventStream events(*session);
  renew(*session, 2h);
  EXPECT_EQ(events.next(), LockEvent::acquired) << "before all else";
  events.mark_sent(LockEvent::acquired);
  EXPECT_EQ(events.next(), std::nullopt) << "its line has the newest TTL";
  renew(*session, 3h);
  renew(*session, 4h);
  EXPECT_EQ(events.next(), LockEvent::renewed);
  EXPECT_EQ(events.next(), LockEvent::renewed) << "until it is sent";
  events.mark_sent(LockEvent::renewed);
  EXPECT_EQ(events.next(), std::nullopt);
}

TEST_F(LockEventSequence, HolderIsAskedToEnd_LostIsSentOnceAndTheReleaseIsTheEnd) {
  const auto session = open();
  LockEventStream events(*session);
  events.mark_sent(LockEvent::acquired);
  session->ask_to_end();
  EXPECT_EQ(events.next(), LockEvent::lost);
  EXPECT_FALSE(events.is_over()) << "it still has its lock";
  events.mark_sent(LockEvent::lost);
  EXPECT_EQ(events.next(), std::nullopt);
  session->cancel();
  become(*session, State::ended);
  EXPECT_EQ(events.next(), LockEvent::released);
  EXPECT_TRUE(events.is_over());
}

TEST_F(LockEventSequence, WaiterGetsTheLock_WaitingIsSentOnceAndThenAcquired) {
  const auto holder = open();
  const auto waiter = open(1h);
  LockEventStream events(*waiter);
  EXPECT_EQ(events.next(), LockEvent::waiting);
  events.mark_sent(LockEvent::waiting);
  EXPECT_EQ(events.next(), std::nullopt);
  holder->cancel();
  become(*waiter, State::held);
  EXPECT_EQ(events.next(), LockEvent::acquired);
  EXPECT_FALSE(LockEventStream::can_wait(LockEvent::acquired));
  EXPECT_TRUE(LockEventStream::can_wait(LockEvent::renewed));
}

}  // namespace
}  // namespace jeton::agent
