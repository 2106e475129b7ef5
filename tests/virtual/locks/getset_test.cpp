// The older protocol, in which the value of the key is the end of the lock (lock scenario 25). For one server.
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

class OlderLock : public testing::Test {
 protected:
  OlderLock() {
    agent::LockRuleConfig& rule = fleet.rules["old"];
    rule.pattern = "old";
    rule.terms.key = "legacy";
    rule.terms.protocol = agent::TokenLockConfig::Protocol::getset;
  }
  [[nodiscard]] std::string value() const { return fleet[0].cli({"GET", "legacy"}); }
  // Unix seconds on the server.
  [[nodiscard]] long long now() const { return std::stoll(fleet[0].cli({"TIME"})); }

  LockFleet fleet{"redis"};
  VirtualLoop& loop = fleet.loop;
  const Ask old{.name = "old"};
};

TEST_F(OlderLock, TimeInTheFutureOrNoTimeAtAll_IsBusy) {
  LockHost& host = fleet.add_host();
  for (const std::string held : {"99999999999", "not a number", ""}) {
    SCOPED_TRACE(held);
    fleet.cli({"SET", "legacy", held});
    EXPECT_EQ(host.take(old)->state(), State::busy);
    EXPECT_EQ(value(), held);
  }
}

TEST_F(OlderLock, KeyOfTheNewerKind_IsBusyAndKeepsItsTimeToLive) {
  LockHost& host = fleet.add_host();
  fleet.cli({"SET", "legacy", "1000000000", "PX", "3600000"});
  EXPECT_EQ(host.take(old)->state(), State::busy);
  EXPECT_GT(std::stol(fleet[0].cli({"PTTL", "legacy"})), 3'590'000);
  EXPECT_EQ(value(), "1000000000");
}

// Its owner id is a time, which other clients may have, too.
TEST_F(OlderLock, GivenBackWhileAClientOfTheHostWaits_IsReleasedOnTheServer) {
  LockHost& host = fleet.add_host();
  const Session holder = host.take(old);
  ASSERT_EQ(holder->state(), State::held) << holder->reason();
  const Session next = host.open({.name = "old", .wait = 1h});
  ASSERT_TRUE(loop.turn_until([&] { return next->state() == State::waiting; }));
  EXPECT_EQ(host.end(holder), State::ended);
  ASSERT_EQ(host.decided(next)->state(), State::held) << next->reason();
  EXPECT_EQ(next->held().front().tenure.passes, 0U);
}

TEST_F(OlderLock, TimeInThePast_HasOneWinnerOfTwenty) {
  std::vector<LockHost*> hosts;
  while (hosts.size() < 4) hosts.push_back(&fleet.add_host());
  fleet.cli({"SET", "legacy", "1000000000"});
  std::vector<Session> tries;
  for (std::size_t i = 0; i < 20; ++i) tries.push_back(hosts[i % 4]->open(old));
  std::size_t won = 0;
  for (const Session& one : tries) {
    if (hosts[0]->decided(one)->state() == State::held) {
      ++won;
      EXPECT_EQ(value(), lease_of(one).owner);
      EXPECT_GT(std::stoll(value()), now());
    } else {
      EXPECT_EQ(one->state(), State::busy) << one->reason();
    }
  }
  EXPECT_EQ(won, 1U);
}

// SETNX finds it held, GET finds it gone: others of the protocol go back to SETNX. Here both are one step; a lock that
// comes and goes all the time is had in the end, and by one.
TEST_F(OlderLock, KeyComesAndGoes_IsHadInTheEndAndByOne) {
  LockHost& host = fleet.add_host();
  bool others_hold = false;
  std::optional<agent::Timers::Id> next;
  std::function<void()> turn = [&] {
    if (others_hold) {
      fleet.cli({"DEL", "legacy"});
      others_hold = false;
    } else {
      others_hold = fleet[0].cli({"SETNX", "legacy", std::to_string(now() + 60)}) == "1";
    }
    next = loop.timers.schedule(loop.clock.boot_now() + 2ms, turn);
  };
  turn();
  ASSERT_TRUE(others_hold);
  for (int i = 0; i < 5; ++i) {
    const Session one = host.take({.name = "old", .wait = 1min});
    ASSERT_EQ(one->state(), State::held) << one->reason();
    EXPECT_EQ(value(), lease_of(one).owner);
    EXPECT_FALSE(others_hold);
    EXPECT_EQ(host.take(old)->state(), State::busy);
    EXPECT_EQ(host.end(one), State::ended);
  }
  loop.timers.cancel(*next);
}

TEST_F(OlderLock, Held_IsRenewedAndGivenBack) {
  LockHost& host = fleet.add_host();
  const Session one = host.take({.name = "old", .ttl = 1s});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  const std::string first = value();
  loop.pass(5s);
  EXPECT_GT(value(), first);
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_GT(lease_of(one).fence, 0U);
  EXPECT_EQ(host.end(one), State::ended);
  EXPECT_EQ(fleet[0].cli({"EXISTS", "legacy"}), "0");
}

TEST_F(OlderLock, NoteOfTheHolderCannotBeWritten_IsRenewedAllTheSame) {
  LockHost& host = fleet.add_host();
  const Session one = host.take({.name = "old", .ttl = 1s});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  const std::string first = value();
  fleet[0].refuse("HSET", "NOPERM this user has no permissions to run the 'hset' command");
  loop.pass(5s);
  EXPECT_GT(value(), first);
  EXPECT_EQ(one->state(), State::held) << one->reason();
}

// Its client, a library or a command, knows only the owner id that it was given at first.
TEST_F(OlderLock, Renewed_ClientExtendsAndReleasesItByItsFirstOwnerId) {
  LockHost& host = fleet.add_host();
  const Session one = host.take({.name = "old", .ttl = 1s});
  const std::string first = lease_of(one).owner;
  loop.pass(5s);
  ASSERT_NE(value(), first);
  EXPECT_TRUE(host.extend(first, 1h, "old"));
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_GT(std::stoll(value()), now() + 3500);
  EXPECT_TRUE(host.release(first, "old"));
  EXPECT_EQ(one->state(), State::lost);
  EXPECT_EQ(fleet[0].cli({"EXISTS", "legacy"}), "0");
}

// A renewal arrives, and its answer does not: the host does not know the owner id.
class OlderLockAfterALostAnswer : public OlderLock {
 protected:
  OlderLockAfterALostAnswer() {
    loop.pass(1100ms);  // the server has the script now
    const std::string before = value();
    fleet.set_fault(LockFleet::Fault::deaf);
    EXPECT_TRUE(loop.turn_until([&] { return value() != before; }, 2s));
    EXPECT_TRUE(loop.turn_until([&] { return !holder->trouble().empty(); }, 1s));
  }

  LockHost& host = fleet.add_host();
  const Session holder = host.take({.name = "old", .ttl = 3s});
};

TEST_F(OlderLockAfterALostAnswer, RenewedAgain_IsHeldOn) {
  fleet.set_fault(LockFleet::Fault::none);
  loop.pass(10s);
  EXPECT_EQ(holder->state(), State::held) << holder->reason();
  EXPECT_EQ(holder->trouble(), "");
  EXPECT_EQ(value(), lease_of(holder).owner);
}

TEST_F(OlderLockAfterALostAnswer, GivenBack_IsReleased) {
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_EQ(host.end(holder), State::ended) << holder->reason();
  EXPECT_EQ(fleet[0].cli({"EXISTS", "legacy"}), "0");
}

TEST_F(OlderLockAfterALostAnswer, AnotherClientTookTheKey_IsLostAndTheOtherKeepsIt) {
  const std::string theirs = std::to_string(now() + 3600);
  fleet[0].cli({"SET", "legacy", theirs});
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return holder->state() == State::lost; }, 5s));
  EXPECT_EQ(value(), theirs);
}

// A renewal changes the owner id.
class OlderLockInARenewal : public OlderLock {
 protected:
  OlderLockInARenewal() {
    EXPECT_EQ(holder->state(), State::held) << holder->reason();
    loop.pass(900ms);
    fleet.set_fault(LockFleet::Fault::held);
    loop.pass(300ms);  // the renewal is sent, and does not arrive
  }

  LockHost& host = fleet.add_host();
  const Session holder = host.take({.name = "old", .ttl = 3s});
};

TEST_F(OlderLockInARenewal, GivenBack_IsReleased) {
  holder->cancel();
  loop.pass(100ms);
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return LockHost::is_over(*holder); }));
  EXPECT_EQ(holder->state(), State::ended) << holder->reason();
  EXPECT_EQ(fleet[0].cli({"EXISTS", "legacy"}), "0");
}

TEST_F(OlderLockInARenewal, Extended_IsHeldOn) {
  std::optional<bool> extended;
  boost::asio::co_spawn(
      loop.context, host.broker().extend(host.id("old"), lease_of(holder).owner, 1h),
      [&](std::exception_ptr failure, std::optional<agent::Lease> lease) { extended = !failure && lease.has_value(); });
  loop.pass(100ms);
  fleet.set_fault(LockFleet::Fault::none);
  EXPECT_TRUE(loop.turn_until([&] { return extended.has_value(); }));
  EXPECT_TRUE(*extended);
  EXPECT_EQ(holder->state(), State::held) << holder->reason();
  EXPECT_GT(std::stoll(value()), now() + 3500);
}

TEST_F(OlderLock, DetachedAndExtended_CountsUntilItIsReleasedByItsNewOwnerId) {
  LockHost& host = fleet.add_host();
  agent::LockLimits one;
  one.locks_per_user = 1;
  agent::LockBroker broker(loop.timers, loop.random, fleet.make_store(1), one);
  broker.configure(fleet.rules);
  loop.pass(100ms);
  agent::LockRequest request;
  request.name = "old";
  request.locks = {host.id("old")};
  request.acquire.ttl = 1h;
  request.detached = true;
  const auto take = [&] {
    Session session = host.decided(broker.open(request));
    EXPECT_EQ(session->state(), State::held) << session->reason();
    std::string owner = lease_of(session).owner;
    session->deliver();
    loop.pass(0s);
    return owner;
  };
  const auto extended = loop.run(broker.extend(host.id("old"), take(), 2h));
  ASSERT_TRUE(extended);
  EXPECT_TRUE(loop.run(broker.release(host.id("old"), extended->owner)));
  EXPECT_NO_THROW(take());
}

}  // namespace
}  // namespace jeton::test
