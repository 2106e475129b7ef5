// The broker on a real store of this host: lines, limits, and what becomes of sessions.
#include "agent/locks/lock_broker.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "agent/base/error.hpp"
#include "agent/fleet/local/local_backend.hpp"
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
    made.acquire.ttl = 1h;
    made.wait = wait;
    made.user = user;
    return made;
  }
  std::shared_ptr<LockSession> open(std::vector<std::string> names, Duration wait = 0s, uid_t user = 1) {
    return open_as(request(std::move(names), wait, user));
  }
  std::shared_ptr<LockSession> open_as(LockRequest made) {
    auto session = broker.open(std::move(made));
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
  LockBroker broker{loop.timers, loop.random, make_local_lock_store(loop.timers, dir / "locks"), small()};
};

TEST_F(Broker, SeveralWait_AreServedInTheOrderOfArrival) {
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

TEST_F(Broker, RequestsHaveEnded_AreCountedByWhatBecameOfThem) {
  const auto count = [](const DurationTally& tally) {
    return std::accumulate(tally.counts().begin(), tally.counts().end(), std::uint64_t{0});
  };
  const auto holder = open({"a"});
  const auto hasty = open({"a"}, 0s, 2);
  const auto waiter = open({"a"}, 1h, 3);
  EXPECT_EQ(count(broker.tally().waits), 1U);
  EXPECT_EQ(broker.tally().busy, 1U);
  holder->cancel();
  become(waiter, State::held);
  become(holder, State::ended);
  EXPECT_EQ(count(broker.tally().waits), 2U);
  EXPECT_EQ(count(broker.tally().holds), 1U);
  EXPECT_GT(broker.tally().waits.sum(), 0s);
  waiter->lose("a", "somebody took it");
  EXPECT_EQ(broker.tally().lost, 1U);
  EXPECT_EQ(count(broker.tally().holds), 2U);
}

TEST_F(Broker, RequestDoesNotWait_DoesNotOvertakeWaiters) {
  const auto holder = open({"a"});
  const auto waiter = open({"a"}, 1h, 2);
  holder->cancel();
  const auto hasty = broker.open(request({"a"}, 0s, 3));
  become(waiter, State::held);
  become(hasty, State::busy);
}

TEST_F(Broker, WaiterIsCancelled_NextOneIsServed) {
  const auto holder = open({"a"});
  const auto gone = open({"a"}, 1h, 2);
  const auto next = open({"a"}, 1h, 3);
  gone->cancel();
  become(gone, State::ended);
  holder->cancel();
  become(next, State::held);
}

TEST_F(Broker, UserOrAllReachTheLimit_FurtherRequestsAreRefused) {
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

TEST_F(Broker, AllUsersTogetherHaveTheirNumber_AdminsAreNotShutOut) {
  for (const char* name : {"a", "b", "c"}) open({name}, 0s, 2);
  for (const char* name : {"d", "e", "f"}) open({name}, 0s, 3);
  LockRequest of_admin = request({"g"}, 0s, 4);
  EXPECT_THROW(static_cast<void>(broker.open(of_admin)), LockRefusal);
  of_admin.is_admin = true;
  EXPECT_EQ(open_as(of_admin)->state(), State::held);
  of_admin.locks = {{"h"}, {"i"}, {"j"}, {"k"}};
  EXPECT_THROW(static_cast<void>(broker.open(of_admin)), LockRefusal) << "more than its own share";
}

TEST_F(Broker, UserHasItsShareOfWaiters_FurtherOnesAreRefused) {
  const auto holder = open({"a"}, 0s, 2);
  const auto first = open({"a"}, 1h);
  const auto second = open({"a"}, 1h);
  EXPECT_THROW(static_cast<void>(broker.open(request({"a"}, 1h))), LockRefusal);
  EXPECT_EQ(open({"b"})->state(), State::held) << "it may still take what is free";
}

TEST_F(Broker, OneOfSeveralLocksIsBusy_OthersAreGivenBack) {
  const auto holder = open({"b"}, 0s, 2);
  const auto several = open({"c", "b", "a"});
  become(several, State::busy);
  EXPECT_EQ(open({"a"})->state(), State::held);
}

TEST_F(Broker, Stops_HoldersAreAskedToEndAndWaitersFail) {
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
  EXPECT_THROW(static_cast<void>(broker.open(request({"z"}))), TransportError);
}

TEST_F(Broker, StopsWithALockThatOutlivesTheAgent_LockIsHandedOver) {
  LockRequest outliving = request({"a"});
  outliving.outlives_agent = true;
  const auto holder = open_as(outliving);
  const Lease lease = holder->held().front().lease;
  bool stopped = false;
  boost::asio::co_spawn(loop.context, broker.stop(), [&](std::exception_ptr) { stopped = true; });
  become(holder, State::handed_over);
  EXPECT_FALSE(holder->asked_to_end());
  EXPECT_TRUE(loop.turn_until([&] { return stopped; }));

  const auto next = make_local_lock_store(loop.timers, dir / "locks");
  next->start();
  const LockView view = loop.run(next->show({"a"}));
  EXPECT_EQ(view.owner, lease.owner);
  EXPECT_EQ(view.fence, lease.fence);
}

TEST_F(Broker, LockIsResumedByItsOwnerId_IsHeldOn) {
  LockRequest outliving = request({"a"});
  outliving.outlives_agent = true;
  const auto former = open_as(outliving);
  const Lease lease = former->held().front().lease;
  outliving.resumed["a"] = lease.owner;
  const auto next = open_as(outliving);  // before the end of the former connection was seen
  become(former, State::handed_over);
  ASSERT_EQ(next->state(), State::held);
  EXPECT_EQ(next->held().front().lease.owner, lease.owner);
  EXPECT_EQ(next->held().front().lease.fence, lease.fence);
  next->cancel();
  become(next, State::ended);
  EXPECT_EQ(open({"a"})->state(), State::held) << "it was given back";
}

TEST_F(Broker, AnotherProcessResumesALock_IsLost) {
  LockRequest outliving = request({"a"});
  outliving.outlives_agent = true;
  outliving.acquire.note.by = LockHolder{"host-1", 1, 1};
  const auto holder = open_as(outliving);
  outliving.resumed["a"] = holder->held().front().lease.owner;
  outliving.acquire.note.by = LockHolder{"host-1", 1, 2};
  EXPECT_EQ(open_as(outliving)->state(), State::lost);
  EXPECT_EQ(holder->state(), State::held);
}

TEST_F(Broker, NameIsHeldUnderItsFormerKey_IsRefused) {
  const auto holder = open({"a"});
  LockRules changed;
  changed["*"].pattern = "*";
  changed["*"].terms.key = "cron:*";
  broker.configure(std::move(changed));
  LockRequest other = request({"a"});
  other.locks.front().terms.key = "cron:a";
  EXPECT_THROW(static_cast<void>(broker.open(other)), LockRefusal);
  holder->cancel();
  become(holder, State::ended);
  EXPECT_EQ(open_as(other)->state(), State::held);
}

TEST_F(Broker, OneOfTheResumedLocksIsAnothers_AllAreGivenUp) {
  const auto holder = open({"b"}, 0s, 2);
  const auto own = open({"a"});
  LockRequest several = request({"a", "b"});
  several.outlives_agent = true;
  several.resumed = {{"a", own->held().front().lease.owner}, {"b", "somebody"}};
  const auto next = open_as(several);
  become(next, State::lost);
  EXPECT_EQ(next->lost_name(), "b");
  EXPECT_EQ(holder->state(), State::held);
  EXPECT_TRUE(loop.turn_until([&] { return next->held().empty(); }));
  EXPECT_EQ(open({"a"}, 1h)->state(), State::held) << "all or none";
}

TEST_F(Broker, LockIsDetached_CountsUntilItIsReleasedOrEnds) {
  LockRequest detached = request({"a"});
  detached.detached = true;
  const auto take = [&](const std::string& name, Duration ttl) {
    detached.name = name;
    detached.locks = {{name}};
    detached.acquire.ttl = ttl;
    const auto session = open_as(detached);
    EXPECT_EQ(session->state(), State::held);
    std::string owner = session->held().front().lease.owner;
    session->deliver();
    return owner;
  };
  const std::string first = take("a", 1h);
  for (const char* name : {"b", "c"}) static_cast<void>(take(name, 1h));
  static_cast<void>(take("d", 4s));  // longer than the next line may take
  EXPECT_THROW(static_cast<void>(broker.open(request({"e"}))), LockRefusal) << "four of one user";
  EXPECT_TRUE(loop.turn_until([&] {
    try {
      static_cast<void>(take("e", 1h));
      return true;
    } catch (const LockRefusal&) {
      return false;
    }
  })) << "one ends by itself";
  EXPECT_THROW(static_cast<void>(broker.open(request({"f"}))), LockRefusal);
  EXPECT_TRUE(loop.run(broker.release({"a"}, first)));
  EXPECT_EQ(open({"f"})->state(), State::held);
}

TEST_F(Broker, StoreCannotBeginAtFirst_NextReloadFindsTheHeldLocks) {
  LockRequest detached = request({"a"});
  detached.detached = true;
  const auto holder = open_as(detached);
  ASSERT_EQ(holder->state(), State::held);
  std::filesystem::rename(dir / "locks", dir / "kept");
  std::ofstream(dir / "locks") << "no directory";
  LockRules rules;
  rules["*"].pattern = "*";
  LockBroker next(loop.timers, loop.random, make_local_lock_store(loop.timers, dir / "locks"));
  EXPECT_THROW(next.configure(rules), Error);
  std::filesystem::remove(dir / "locks");
  std::filesystem::rename(dir / "kept", dir / "locks");
  next.configure(rules);
  EXPECT_TRUE(loop.run(next.show({"a"})).held);
}

}  // namespace
}  // namespace jeton::agent
