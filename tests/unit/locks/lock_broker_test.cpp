// The broker on a real store of this host: lines, limits, and what becomes of sessions.
#include "agent/locks/lock_broker.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/coordination/local_lock_store.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/temp_dir.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using State = LockSession::State;

class Broker : public testing::Test {
 protected:
  Broker() {
    LockRules rules;
    rules["*"].pattern = "*";
    broker.configure(std::move(rules));
  }

  // Every session ends before what it uses does.
  void TearDown() override {
    bool stopped = false;
    for (const auto& session : opened) session->cancel();
    boost::asio::co_spawn(loop.context, broker.stop(), [&](std::exception_ptr) { stopped = true; });
    EXPECT_TRUE(loop.turn_until([&] { return stopped; }));
  }

  static LockLimits small() {
    LockLimits limits;
    limits.locks_per_user = 4;
    limits.waiters_per_user = 2;
    limits.locks = 6;
    return limits;
  }
  LockRequest request(std::vector<std::string> names, Duration wait = 0s, uid_t user = 1) {
    LockRequest made;
    made.name = names.front();
    for (const std::string& name : names) made.locks.push_back({name});
    made.ttl = 1h;
    made.wait = wait;
    made.user = user;
    return made;
  }
  std::shared_ptr<LockSession> open(std::vector<std::string> names, Duration wait = 0s, uid_t user = 1) {
    auto session = broker.open(request(std::move(names), wait, user));
    opened.push_back(session);
    EXPECT_TRUE(loop.turn_until([&] { return session->state() != State::trying; }));
    return session;
  }
  void become(const std::shared_ptr<LockSession>& session, State state) {
    EXPECT_TRUE(loop.turn_until([&] { return session->state() == state; }));
  }

  test::Loop loop;
  test::TempDir dir;
  std::vector<std::shared_ptr<LockSession>> opened;
  LockBroker broker{loop.timers, loop.random, std::make_unique<LocalLockStore>(loop.timers, dir / "locks"), small()};
};

TEST_F(Broker, ServesWaitersInTheOrderOfTheirArrival) {
  auto holder = open({"a"}, 0s, 1);
  std::vector<std::shared_ptr<LockSession>> waiters;
  for (uid_t user = 2; user < 6; ++user) waiters.push_back(open({"a"}, 1h, user));
  for (const auto& waiter : waiters) {
    holder->cancel();
    become(waiter, State::held);
    become(holder, State::ended);
    for (const auto& other : waiters) EXPECT_EQ(other->state() == State::held, other == waiter) << "overtaken";
    holder = waiter;
  }
  holder->cancel();
  become(holder, State::ended);
}

TEST_F(Broker, LetsNobodyWhoDoesNotWaitOvertakeThoseWhoDo) {
  const auto holder = open({"a"});
  const auto waiter = open({"a"}, 1h, 2);
  holder->cancel();
  const auto hasty = broker.open(request({"a"}, 0s, 3));
  become(waiter, State::held);
  become(hasty, State::busy);
}

TEST_F(Broker, ForgetsAWaiterThatHasGone) {
  const auto holder = open({"a"});
  const auto gone = open({"a"}, 1h, 2);
  const auto next = open({"a"}, 1h, 3);
  gone->cancel();
  become(gone, State::ended);
  holder->cancel();
  become(next, State::held);
}

TEST_F(Broker, BoundsWhatAUserHoldsAndWaitsForAndWhatAllDo) {
  std::vector<std::shared_ptr<LockSession>> sessions;
  for (const char* name : {"a", "b"}) sessions.push_back(open({name}));
  for (const char* name : {"a", "b"}) sessions.push_back(open({name}, 1h));
  EXPECT_THROW(static_cast<void>(broker.open(request({"c"}))), LockRefusal) << "four of one user";
  sessions[0]->cancel();
  become(sessions[0], State::ended);
  sessions.push_back(open({"c"}));
  EXPECT_EQ(sessions.back()->state(), State::held) << "what ended does not count any more";
  sessions.push_back(open({"d"}, 0s, 2));
  sessions.push_back(open({"e"}, 0s, 2));
  EXPECT_THROW(static_cast<void>(broker.open(request({"f"}, 0s, 3))), LockRefusal) << "six of all";
}

TEST_F(Broker, BoundsWaitersBelowHolders) {
  const auto holder = open({"a"}, 0s, 2);
  const auto first = open({"a"}, 1h);
  const auto second = open({"a"}, 1h);
  EXPECT_THROW(static_cast<void>(broker.open(request({"a"}, 1h))), LockRefusal);
  EXPECT_EQ(open({"b"})->state(), State::held) << "it may still take what is free";
}

TEST_F(Broker, GivesTheFirstLocksBackWhenOneOfSeveralIsBusy) {
  const auto holder = open({"b"}, 0s, 2);
  const auto several = open({"c", "b", "a"});
  become(several, State::busy);
  EXPECT_EQ(open({"a"})->state(), State::held);
}

TEST_F(Broker, StopsHoldersByTellingThemAndWaitersAtOnce) {
  const auto holder = open({"a"});
  const auto waiter = open({"a"}, 1h, 2);
  bool stopped = false;
  boost::asio::co_spawn(loop.context, broker.stop(), [&](std::exception_ptr) { stopped = true; });
  EXPECT_TRUE(loop.turn_until([&] { return holder->asked_to_end(); }));
  EXPECT_EQ(waiter->state(), State::failed);
  EXPECT_EQ(holder->state(), State::held) << "it has the lock until it ends";
  holder->cancel();
  EXPECT_TRUE(loop.turn_until([&] { return stopped; }));
  EXPECT_EQ(holder->state(), State::ended);
  EXPECT_THROW(static_cast<void>(broker.open(request({"z"}))), LockRefusal);
}

}  // namespace
}  // namespace jeton::agent
