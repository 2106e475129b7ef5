// A lock that is given back is passed on to the next client of its host, in memory; the store hears of it afterwards
// (agent/locks/lock_queue.hpp). The moment before it does is that in which the clock has not moved.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>

#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

using agent::LockQueue;
using Fault = LockFleet::Fault;

const agent::Tenure& tenure_of(const Session& session) { return session->held().front().tenure; }

template <typename Base>
class Passing : public Base {
 protected:
  using Base::fleet;
  using Base::host;
  using Base::loop;

  // They wait at their host, between two questions to the store.
  std::vector<Session> waiting(LockHost& at, std::size_t count, const Ask& ask = {.wait = 1h}) {
    std::vector<Session> sessions;
    while (sessions.size() < count) sessions.push_back(at.open(ask));
    for (const Session& one : sessions) {
      EXPECT_TRUE(loop.turn_until([&] { return one->state() == State::waiting; }));
    }
    fleet.settle();  // the releases can be heard, nothing was missed before that, and no answer is awaited
    return sessions;
  }
  Session waiting(LockHost& at, const Ask& ask = {.wait = 1h}) { return waiting(at, 1, ask).front(); }
  // The next one has it in the same instant.
  void pass(const Session& holder, const Session& next) {
    const agent::BootTime before = loop.clock.boot_now();
    holder->cancel();
    loop.pass(0s);
    ASSERT_EQ(next->state(), State::held) << next->reason();
    EXPECT_EQ(holder->state(), State::ended);
    EXPECT_EQ(loop.clock.boot_now(), before);
    EXPECT_GE(next->held().back().tenure.passes, 1U);
  }
  // By a release in the store.
  void give_back(const Session& holder, const Session& next) {
    EXPECT_EQ(host.end(holder), State::ended);
    ASSERT_EQ(host.decided(next)->state(), State::held) << next->reason();
    EXPECT_EQ(tenure_of(next).passes, 0U);
  }
};

class AnyPass : public Passing<AnyLock> {};
class FleetPass : public Passing<FleetLock> {};

TEST_P(AnyPass, GivenBack_NextClientOfTheHostHasItInTheSameInstantWithoutACommand) {
  const Session holder = host.take();
  const Session next = waiting(host);
  const agent::Lease former = lease_of(holder);
  const std::uint64_t before = fleet.commands();
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_EQ(fleet.commands(), before);
  EXPECT_NE(lease_of(next).owner, former.owner);
  EXPECT_EQ(lease_of(next).fence, former.fence + 1);
  if (!fleet.is_local()) {
    EXPECT_EQ(next->valid_until(), former.valid_until) << "the store was not asked";
  }
}

TEST_P(AnyPass, PassedOn_StoreHearsOfItAndShowsThePresentHolder) {
  const Session holder = host.take();
  const Session next = waiting(host);
  const agent::BootTime former_end = holder->valid_until();
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  ASSERT_TRUE(loop.turn_until([&] { return next->renewals() == 1; }, 50ms));
  EXPECT_TRUE(tenure_of(next).confirmed);
  EXPECT_GT(next->valid_until(), former_end);
  const agent::LockView view = host.show();
  EXPECT_EQ(view.owner, lease_of(next).owner);
  EXPECT_EQ(view.fence, lease_of(next).fence);
  EXPECT_EQ(view.note.by, next->request().acquire.note.by);
  EXPECT_GT(view.ttl.value(), 59s);
  EXPECT_EQ(host.end(next), State::ended);
  EXPECT_FALSE(host.show().held);
}

TEST_P(AnyPass, PassedOnAgainAndAgain_FencesRiseAndItIsRenewedAsEver) {
  Session holder = host.take({.ttl = 3s});
  for (const Session& next : waiting(host, 5, {.ttl = 3s, .wait = 1h})) {
    const std::uint64_t fence = lease_of(holder).fence;
    ASSERT_NO_FATAL_FAILURE(pass(holder, next));
    EXPECT_EQ(lease_of(next).fence, fence + 1);
    holder = next;
  }
  loop.pass(10s);
  EXPECT_EQ(holder->state(), State::held) << holder->reason();
  const std::uint64_t fence = lease_of(holder).fence;
  EXPECT_EQ(host.end(holder), State::ended);
  const Session after = host.take({.wait = 1s});
  ASSERT_EQ(after->state(), State::held) << after->reason();
  EXPECT_GT(lease_of(after).fence, fence);
}

TEST_P(AnyPass, WaitersAreOfAnEarlierTenure_AreNextAllTheSame) {
  Session holder = host.take();
  const std::vector<Session> waiters = waiting(host, 4);
  loop.pass(LockQueue::longest_tenure);
  ASSERT_NO_FATAL_FAILURE(give_back(holder, waiters.front()));
  fleet.settle();
  for (std::size_t i = 1; i < waiters.size(); ++i) ASSERT_NO_FATAL_FAILURE(pass(waiters[i - 1], waiters[i]));
}

// The bounds for the sake of the other hosts.
TEST_P(AnyPass, PassedOnAsOftenAsItMayBe_IsReleasedInTheStore) {
  Session holder = host.take();
  const std::vector<Session> waiters = waiting(host, LockQueue::most_passes + 2);
  for (std::size_t i = 0; i < LockQueue::most_passes; ++i) {
    ASSERT_NO_FATAL_FAILURE(pass(holder, waiters[i]));
    holder = waiters[i];
  }
  ASSERT_NO_FATAL_FAILURE(give_back(holder, waiters[LockQueue::most_passes]));
}

TEST_P(AnyPass, HostHasHadItForLong_IsReleasedInTheStore) {
  const Session holder = host.take();
  const Session next = waiting(host);
  loop.pass(LockQueue::longest_tenure);
  ASSERT_NO_FATAL_FAILURE(give_back(holder, next));
}

// Each message takes as long: the head start is three round trips of the acquisition, also if that was a quick one.
TEST_P(FleetPass, TenureHasEnded_OtherHostsAreFirst) {
  fleet.network.set_latency(200us, 200us);
  LockHost& other = fleet.add_host();
  Session holder = host.take();
  const std::vector<Session> waiters = waiting(host, LockQueue::most_passes + 1);
  const Session elsewhere = waiting(other);
  for (std::size_t i = 0; i < LockQueue::most_passes; ++i) {
    ASSERT_NO_FATAL_FAILURE(pass(holder, waiters[i]));
    holder = waiters[i];
  }
  EXPECT_EQ(host.end(holder), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return elsewhere->state() == State::held; }, 5s));
  EXPECT_EQ(waiters.back()->state(), State::waiting);
}

TEST_P(FleetPass, HostPassesItOnWithoutEnd_AnotherHostHasItsTurn) {
  LockHost& other = fleet.add_host();
  Session holder = host.take();
  const Session there = waiting(other);
  std::size_t passes = 0;
  for (int turns = 0; turns < 1000 && there->state() != State::held; ++turns) {
    const Session next = host.open({.wait = 1h});
    ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::waiting || there->state() == State::held; }));
    EXPECT_EQ(host.end(holder), State::ended);
    ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::held || there->state() == State::held; }));
    if (next->state() == State::held) passes += std::min<std::size_t>(1, tenure_of(next).passes);
    holder = next;
  }
  EXPECT_EQ(there->state(), State::held);
  EXPECT_GT(passes, LockQueue::most_passes / 2) << "it was hardly passed on: nothing is shown";
}

TEST_P(AnyPass, NextWantsAnotherTimeToLive_IsReleasedInTheStore) {
  for (const Duration ttl : {Duration(10s), Duration(600s)}) {
    const Session holder = host.take({.ttl = 60s});
    const Session next = waiting(host, {.ttl = ttl, .wait = 1h});
    ASSERT_NO_FATAL_FAILURE(give_back(holder, next));
    EXPECT_GT(next->valid_until() - loop.clock.boot_now(), ttl * 9 / 10);
    EXPECT_EQ(host.end(next), State::ended);
  }
}

TEST_P(AnyPass, HolderHasChangedTheTimeToLive_IsReleasedInTheStore) {
  const Session holder = host.take();
  ASSERT_TRUE(host.extend(lease_of(holder).owner, 60s));
  ASSERT_NO_FATAL_FAILURE(give_back(holder, waiting(host)));
}

// They are known by the owner id, which outlives the agent.
TEST_P(AnyPass, LockOutlivesTheAgent_IsNeitherPassedOnNorTakenSo) {
  const Session kept = host.take({.outlives_agent = true});
  const Session plain = waiting(host);
  ASSERT_NO_FATAL_FAILURE(give_back(kept, plain));
  const Session next = waiting(host, {.wait = 1h, .outlives_agent = true});
  ASSERT_NO_FATAL_FAILURE(give_back(plain, next));
}

TEST_P(AnyPass, NextClientHasGone_TheOneBehindHasIt) {
  const Session holder = host.take();
  const Session gone = waiting(host);
  const Session behind = waiting(host);
  holder->cancel();
  // When it was passed on to this client, which has not gone on yet.
  boost::asio::post(loop.context, [&] { gone->cancel(); });
  EXPECT_TRUE(loop.turn_until([&] { return behind->state() == State::held; }, 50ms)) << behind->reason();
  EXPECT_EQ(gone->state(), State::ended);
  EXPECT_EQ(host.end(behind), State::ended);
  loop.pass(1min);
  EXPECT_FALSE(host.show().held);
}

// The host was suspended.
TEST_P(AnyPass, ExpiresBeforeTheNextClientGoesOn_ItAsksTheStore) {
  const Session holder = host.take();
  const Session next = waiting(host);
  holder->cancel();
  boost::asio::post(loop.context, [&] { loop.virtual_clock().now += 2min; });  // when it was passed on
  EXPECT_TRUE(loop.turn_until([&] { return next->state() != State::waiting; }, 10min));
  ASSERT_EQ(next->state(), State::held) << next->reason();
  EXPECT_EQ(tenure_of(next).passes, 0U);
}

TEST_P(AnyPass, HolderOfSeveralEnds_EachIsPassedOnToItsWaiter) {
  const Session holder = host.take({.name = "a", .also = {"b"}});
  const Session of_a = waiting(host, {.name = "a", .wait = 1h});
  const Session of_b = waiting(host, {.name = "b", .wait = 1h});
  ASSERT_NO_FATAL_FAILURE(pass(holder, of_a));
  ASSERT_EQ(of_b->state(), State::held);
  EXPECT_EQ(tenure_of(of_b).passes, 1U);
  const Session both = waiting(host, {.name = "b", .wait = 1h, .also = {"a"}});
  EXPECT_EQ(host.end(of_a), State::ended);
  EXPECT_EQ(host.end(of_b), State::ended);
  EXPECT_EQ(host.decided(both)->state(), State::held) << both->reason();
}

TEST_P(FleetPass, HolderOfSeveralEnds_WaiterOfOneHasItBeforeTheOthersAreReleased) {
  const Session holder = host.take({.name = "a", .also = {"b"}});
  const Session of_b = waiting(host, {.name = "b", .wait = 1h});
  holder->cancel();
  loop.pass(0s);
  EXPECT_EQ(holder->state(), State::releasing) << "nothing is shown";
  ASSERT_EQ(of_b->state(), State::held);
  EXPECT_EQ(tenure_of(of_b).passes, 1U);
}

// The release of another lock does not reach the store.
TEST_P(FleetPass, FormerOwnerAsksWhileTheHolderReleasesAnotherLock_ItHasNothing) {
  const Session first = host.take({.name = "b"});
  const Session holder = waiting(host, {.name = "b", .wait = 1h, .also = {"a"}});
  const std::string former = lease_of(first).owner;
  ASSERT_NO_FATAL_FAILURE(pass(first, holder));
  fleet.set_fault(Fault::refused);
  holder->cancel();
  loop.pass(1s);
  EXPECT_EQ(holder->state(), State::releasing) << "nothing is shown";
  EXPECT_FALSE(host.release(former, "b"));
  EXPECT_FALSE(host.extend(former, 1h, "b"));
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*holder); }, 1min));
  EXPECT_FALSE(host.show("b").held);
}

// It has another lock for long, whose renewal is not due yet.
TEST_P(AnyPass, NextHoldsAnotherLockAlready_StoreHearsOfItAtOnceAllTheSame) {
  const Session first = host.take({.name = "b"});
  const Session holder = waiting(host, {.name = "b", .wait = 1h});
  const Session next = waiting(host, {.name = "b", .wait = 1h, .also = {"a"}});
  loop.pass(1s);
  ASSERT_NO_FATAL_FAILURE(give_back(first, holder));
  fleet.settle();
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  const agent::HeldLock* passed = next->find("b");
  EXPECT_TRUE(loop.turn_until([&] { return passed->tenure.confirmed; }, 50ms));
  EXPECT_EQ(host.show("b").owner, passed->lease.owner);
}

// It gave the lock back, whatever the store says yet.
TEST_P(AnyPass, FormerOwnerReleasesOrExtends_ItIsNotItsOwnAndTheHolderKeepsIt) {
  const Session holder = host.take();
  const Session next = waiting(host);
  const std::string former = lease_of(holder).owner;
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_FALSE(host.release(former));
  EXPECT_FALSE(host.extend(former, 1h));
  loop.pass(1s);
  EXPECT_EQ(next->state(), State::held) << next->reason();
  EXPECT_EQ(host.show().owner, lease_of(next).owner);
  EXPECT_LE(host.show().ttl.value(), 60s);
}

TEST_P(FleetPass, FormerOwnerAsksWhileTheStoreCannotHear_ItHasNothing) {
  const Session holder = host.take();
  const Session next = waiting(host);
  agent::LockRequest again = holder->request();
  again.outlives_agent = true;
  again.resumed[again.name] = lease_of(holder).owner;
  const std::string former = lease_of(holder).owner;
  fleet.set_fault(Fault::refused);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_FALSE(host.release(former));
  EXPECT_FALSE(host.extend(former, 1h));
  EXPECT_THROW(static_cast<void>(host.broker().open(again)), agent::TransportError);
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return next->renewals() > 0; }, 10s));
  EXPECT_EQ(next->state(), State::held) << next->reason();
}

TEST_P(AnyPass, HolderReleasesOrExtendsByItsOwnerId_ItsOwnIsMeant) {
  const Session holder = host.take();
  const Session next = waiting(host);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  const std::string owner = lease_of(next).owner;
  const auto extended = host.extend(owner, 1h);
  ASSERT_TRUE(extended);
  EXPECT_GT(extended->valid_until - loop.clock.boot_now(), 59min);
  const Session third = waiting(host);
  EXPECT_TRUE(host.release(owner));
  EXPECT_EQ(next->state(), State::lost);
  EXPECT_EQ(host.decided(third)->state(), State::held) << third->reason();
}

// The connection ends before the store has answered the release: by then it may have given the lock to another host.
TEST_P(FleetPass, ReleasedByItsOwnerIdAndThenTheClientEnds_IsNotPassedOn) {
  for (const bool by_administrator : {false, true}) {
    SCOPED_TRACE(by_administrator);
    const Session holder = host.take();
    const Session next = waiting(host);
    bool answered = false;
    const auto on_end = [&](std::exception_ptr, bool) { answered = true; };
    agent::LockBroker& broker = host.broker();
    if (by_administrator) {
      boost::asio::co_spawn(loop.context, broker.force_release(host.id(), agent::LockHolder{"host-1", 0, 1}), on_end);
    } else {
      boost::asio::co_spawn(loop.context, broker.release(host.id(), lease_of(holder).owner), on_end);
    }
    ASSERT_TRUE(loop.turn_until([&] { return fleet.count("") > 0; }, 50ms));
    holder->cancel();
    loop.pass(0s);
    ASSERT_FALSE(answered) << "nothing is shown";
    EXPECT_NE(next->state(), State::held);
    ASSERT_EQ(host.decided(next)->state(), State::held) << next->reason();
    EXPECT_EQ(tenure_of(next).passes, 0U);
    EXPECT_EQ(host.end(next), State::ended);
    ASSERT_TRUE(answered);
  }
}

TEST_P(AnyPass, AdministratorTakesIt_HolderIsToldAtOnce) {
  const Session holder = host.take();
  const Session next = waiting(host);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_TRUE(host.force_release());
  EXPECT_TRUE(loop.turn_until([&] { return next->state() == State::lost; }, 50ms));
  loop.pass(1min);
  EXPECT_FALSE(host.show().held);
}

TEST_P(FleetPass, OwnerReleasesByItsIdBeforeTheStoreHears_ItIsReleased) {
  const Session holder = host.take();
  const Session next = waiting(host);
  fleet.set_fault(Fault::held);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_EQ(fleet.value(), tenure_of(next).former.front());
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(host.release(lease_of(next).owner));
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 1s));
  EXPECT_FALSE(loop.turn_until([&] { return !fleet.nowhere(); }, 2min)) << "a report that came late";
}

TEST_P(FleetPass, KeyWasLost_HolderIsToldAndItIsNotMadeAgain) {
  const Session holder = host.take();
  const Session next = waiting(host);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  fleet.cli({"DEL", LockFleet::key()});
  EXPECT_TRUE(loop.turn_until([&] { return next->state() == State::lost; }, 200ms));
  EXPECT_FALSE(loop.turn_until([&] { return !fleet.nowhere(); }, 2min));
}

TEST_P(FleetPass, AnotherClientTookTheKey_HolderIsToldAndTheOtherKeepsIt) {
  const Session holder = host.take();
  const Session next = waiting(host);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  fleet.cli({"SET", LockFleet::key(), "another", "PX", "3600000"});
  EXPECT_TRUE(loop.turn_until([&] { return next->state() == State::lost; }, 200ms));
  loop.pass(2min);
  EXPECT_EQ(fleet.count("another"), fleet.size());
  EXPECT_GT(fleet.pttl(), 3'000'000);
}

// The waiter has seen that another client has it.
TEST_P(FleetPass, StoreHasAnotherHolder_ItIsNotPassedOn) {
  const Session holder = host.take();
  fleet.cli({"SET", LockFleet::key(), "another", "PX", "3600000"});
  const Session next = waiting(host);
  EXPECT_EQ(host.end(holder), State::lost);
  loop.pass(1s);
  EXPECT_EQ(next->state(), State::waiting);
  EXPECT_EQ(fleet.count("another"), fleet.size());
}

// It waits since before the host got the lock, and has found since that another client took it.
TEST_P(FleetPass, AnotherClientTookItInTheTenure_IsNotPassedOn) {
  const Session first = host.take();
  const Session holder = waiting(host);
  const Session next = waiting(host, {.wait = 1h, .retry = 20ms});
  loop.pass(LockQueue::longest_tenure);
  ASSERT_NO_FATAL_FAILURE(give_back(first, holder));
  fleet.cli({"SET", LockFleet::key(), "another", "PX", "3600000"});
  loop.pass(50ms);
  ASSERT_EQ(holder->state(), State::held) << "nothing is shown";
  EXPECT_EQ(host.end(holder), State::lost);
  loop.pass(1s);
  EXPECT_EQ(next->state(), State::waiting);
  EXPECT_EQ(fleet.count("another"), fleet.size());
}

// An administrator at another host gave the lock to the next waiter of this one; the former holder has not heard of it.
TEST_P(FleetPass, HostHasItAgainForAnotherClient_FormerHolderDoesNotPassItOn) {
  LockHost& other = fleet.add_host();
  const Session first = host.take();
  const Session former = waiting(host);
  const Session holder = waiting(host);
  const Session third = waiting(host);
  loop.pass(LockQueue::longest_tenure);
  ASSERT_NO_FATAL_FAILURE(give_back(first, former));
  fleet.settle();
  EXPECT_TRUE(other.force_release());
  ASSERT_TRUE(loop.turn_until([&] { return holder->state() == State::held; }, 50ms)) << holder->reason();
  fleet.settle();
  ASSERT_EQ(former->state(), State::held) << "nothing is shown";
  EXPECT_EQ(host.end(former), State::lost);
  EXPECT_EQ(third->state(), State::waiting);
  EXPECT_EQ(fleet.value(), lease_of(holder).owner);
  ASSERT_NO_FATAL_FAILURE(pass(holder, third));
}

// The report arrives, its answer does not: the store has either owner, as far as the host knows.
TEST_P(FleetPass, AnswerOfTheStoreIsLost_ReportIsRepeatedUntilItIsConfirmed) {
  const Session first = host.take();
  const Session holder = waiting(host);
  ASSERT_NO_FATAL_FAILURE(pass(first, holder));
  ASSERT_TRUE(loop.turn_until([&] { return holder->renewals() == 1; }, 50ms));  // the server has the script now
  const Session next = waiting(host);
  fleet.set_fault(Fault::deaf);
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  EXPECT_TRUE(loop.turn_until([&] { return fleet.value() == lease_of(next).owner; }, 100ms));
  loop.pass(2s);
  EXPECT_EQ(next->renewals(), 0U);
  EXPECT_NE(next->trouble(), "");
  fleet.set_fault(Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return next->renewals() > 0; }, 5s));
  EXPECT_EQ(next->state(), State::held) << next->reason();
  EXPECT_EQ(next->trouble(), "");
  EXPECT_EQ(fleet.value(), lease_of(next).owner);
}

TEST_P(FleetPass, GivenBackBeforeTheStoreHasConfirmed_NoKeyIsLeft) {
  for (const Fault fault : {Fault::held, Fault::deaf, Fault::reply_is_fatal, Fault::no_connection}) {
    SCOPED_TRACE(static_cast<int>(fault));
    Session holder = host.take({.ttl = 1h, .wait = 10s});
    ASSERT_EQ(holder->state(), State::held) << holder->reason();
    const std::vector<Session> waiters = waiting(host, 3, {.ttl = 1h, .wait = 1h});
    fleet.set_fault(fault);
    for (const Session& next : waiters) {
      ASSERT_NO_FATAL_FAILURE(pass(holder, next));
      holder = next;
    }
    loop.pass(100us);  // a report is on its way
    holder->cancel();
    loop.pass(1s);
    fleet.set_fault(Fault::none);
    EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*holder) && fleet.nowhere(); }, 1min));
    EXPECT_FALSE(loop.turn_until([&] { return !fleet.nowhere(); }, 1min)) << "a report that came late";
  }
}

// kill -9 of the agent. The counter is ahead of the clocks, so only the spare fences keep the order.
TEST_P(FleetPass, AgentDiesBeforeTheStoreHears_NoTwoHoldItAndTheNextFenceIsHigher) {
  LockHost& other = fleet.add_host();
  const auto tomorrow =
      std::chrono::duration_cast<std::chrono::microseconds>((loop.clock.wall_now() + 24h).time_since_epoch());
  fleet.cli({"SET", LockFleet::key() + ":fence", std::to_string(tomorrow.count())});
  Session holder = host.take({.ttl = 3s});
  const std::vector<Session> waiters = waiting(host, 4, {.ttl = 3s, .wait = 1h});
  const Session there = waiting(other, {.ttl = 1h, .wait = 1h});
  fleet.set_fault(Fault::no_connection, 0);
  for (const Session& next : waiters) {
    ASSERT_NO_FATAL_FAILURE(pass(holder, next));
    holder = next;
  }
  const std::uint64_t fence = lease_of(holder).fence;
  const agent::BootTime lease_end = holder->valid_until();
  bool two_hold = false;
  ASSERT_TRUE(loop.turn_until([&] {
    two_hold = two_hold || (holder->state() == State::held && there->state() == State::held);
    return there->state() == State::held;
  }));
  EXPECT_FALSE(two_hold);
  EXPECT_EQ(holder->state(), State::lost);
  EXPECT_GE(loop.clock.boot_now(), lease_end);
  EXPECT_LT(loop.clock.boot_now() - lease_end, 300ms) << "no longer than one TTL";
  EXPECT_GT(lease_of(there).fence, fence);
  fleet.set_fault(Fault::none);  // reports that were sent meanwhile arrive
  loop.pass(10s);
  EXPECT_EQ(fleet.value(), lease_of(there).owner);
  EXPECT_GT(fleet.pttl(), 3'000'000);
}

// An agent of an older version draws its fence above the counter.
TEST_P(FleetPass, Taken_CounterIsAboveEveryFenceThatItCanBePassedOnWith) {
  const Session holder = host.take();
  ASSERT_EQ(holder->state(), State::held) << holder->reason();
  loop.pass(50ms);
  for (const std::string& counter : fleet.counters()) {
    EXPECT_GE(std::stoull(counter), lease_of(holder).fence + LockQueue::most_passes);
  }
}

class QuorumPass : public testing::Test {
 protected:
  // On every server `former` has the lock for which it waits.
  void expect_waiting(const Session& next, const std::string& former) {
    ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::waiting && fleet.count(former) == fleet.size(); },
                                LockQueue::longest_tenure / 2));
    fleet.settle();
  }

  LockFleet fleet{"redlock"};
  VirtualLoop& loop = fleet.loop;
  LockHost& host = fleet.add_host();
};

TEST_F(QuorumPass, ServerDidNotHear_IsReleasedWithTheOthers) {
  const Session holder = host.take({.ttl = 1h});
  const std::string former = lease_of(holder).owner;
  const Session next = host.open({.ttl = 1h, .wait = 1h});
  ASSERT_NO_FATAL_FAILURE(expect_waiting(next, former));
  fleet.set_fault(Fault::refused, {}, 4);
  holder->cancel();
  ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::held && next->renewals() == 1; }, 50ms));
  EXPECT_TRUE(loop.turn_until([&] { return fleet.count(lease_of(next).owner) == 4; }, 50ms));
  EXPECT_EQ(fleet.count(former), 1U);
  fleet.set_fault(Fault::none);
  EXPECT_EQ(host.end(next), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 1min)) << "long before its TTL";
}

// The servers that confirmed the new owner are no majority any more.
TEST_F(QuorumPass, ServerDidNotHearAndAnotherFails_RenewalsGoOn) {
  const Session holder = host.take({.ttl = 30s});
  const std::string former = lease_of(holder).owner;
  const Session next = host.open({.ttl = 30s, .wait = 1h});
  ASSERT_NO_FATAL_FAILURE(expect_waiting(next, former));
  fleet.set_fault(Fault::refused, {}, 3);
  fleet.set_fault(Fault::refused, {}, 4);
  holder->cancel();
  ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::held && next->renewals() == 1; }, 50ms));
  ASSERT_TRUE(loop.turn_until([&] { return fleet.count(lease_of(next).owner) == 3; }, 50ms));
  loop.pass(2 * LockFleet::timeout);  // the reports to the others are given up
  ASSERT_EQ(fleet.count(former), 2U);
  fleet.set_fault(Fault::none, {}, 3);
  fleet.set_fault(Fault::none, {}, 4);
  fleet[0].cli({"DEL", LockFleet::key()});
  fleet[1].cli({"SET", LockFleet::key(), "another", "PX", "3600000"});
  loop.pass(1min);
  EXPECT_EQ(next->state(), State::held) << next->reason();
  EXPECT_GE(fleet.count(lease_of(next).owner), fleet.majority());
}

TEST_P(AnyPass, Renewed_ShowsSinceWhenTheHolderHasIt) {
  const Session holder = host.take({.ttl = 3s});
  const Session next = waiting(host, {.ttl = 3s, .wait = 1h});
  ASSERT_NO_FATAL_FAILURE(pass(holder, next));
  loop.pass(10s);
  EXPECT_GT(next->renewals(), 3U);
  EXPECT_GE(host.show().note.age.value_or(0s), 9s);
}

INSTANTIATE_TEST_SUITE_P(On, AnyPass, testing::Values("local", "redis", "redlock"), backend_name);
INSTANTIATE_TEST_SUITE_P(On, FleetPass, testing::Values("redis", "redlock"), backend_name);

}  // namespace
}  // namespace jeton::test
