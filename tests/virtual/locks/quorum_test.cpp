// A lock over a quorum of five servers: decided by a majority, whatever a minority does (lock scenarios 22 and 23).
#include "agent/fleet/lease_terms.hpp"
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

class QuorumLock : public testing::Test {
 protected:
  using Fault = LockFleet::Fault;

  [[nodiscard]] std::uint64_t scripts_run() const {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < fleet.size(); ++i) all += fleet[i].commands("EVALSHA");
    return all;
  }

  LockFleet fleet{"redlock"};
  VirtualLoop& loop = fleet.loop;
  LockHost& host = fleet.add_host();
};

TEST_F(QuorumLock, AnyPatternOfForeignKeys_IsWonIfAndOnlyIfAMajorityIsFree) {
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    SCOPED_TRACE(pattern);
    std::size_t taken = 0;
    for (unsigned i = 0; i < 5; ++i) {
      fleet[i].cli({"DEL", LockFleet::key()});
      if ((pattern >> i & 1U) == 0) continue;
      fleet[i].cli({"SET", LockFleet::key(), "foreign", "PX", "3600000"});
      ++taken;
    }
    const Session one = host.take();
    EXPECT_EQ(one->state(), taken <= 2 ? State::held : State::busy) << one->reason();
    EXPECT_EQ(host.end(one), taken <= 2 ? State::ended : State::busy);
    EXPECT_TRUE(loop.turn_until([&] { return fleet.count("") == 5 - taken && fleet.count("foreign") == taken; }, 1s));
    for (unsigned i = 0; i < 5; ++i) {
      if ((pattern >> i & 1U) != 0) {
        EXPECT_GT(std::stol(fleet[i].cli({"PTTL", LockFleet::key()})), 3'590'000);
      }
    }
  }
}

TEST_F(QuorumLock, OneServerNamesAnotherFence_ThatOfTheOthersCounts) {
  const Session one = host.take({.ttl = 1h});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  const std::uint64_t fence = lease_of(one).fence;
  const std::string info = LockFleet::key() + ":info";
  const auto is_written_back = [&] {
    std::size_t servers = 0;
    for (std::size_t i = 0; i < fleet.size(); ++i) {
      if (fleet[i].cli({"HGET", info, "fence"}) == std::to_string(fence)) ++servers;
    }
    return servers == fleet.size();
  };
  ASSERT_TRUE(loop.turn_until(is_written_back, LockFleet::timeout));
  for (std::size_t i = 0; i < fleet.size(); ++i) {
    for (const std::uint64_t forged : {fence + 1'000'000, fence - 1'000'000}) {
      fleet[i].cli({"HSET", info, "fence", std::to_string(forged)});
      for (int times = 0; times < 5; ++times) EXPECT_EQ(host.show().fence, fence) << "server " << i;
    }
    fleet[i].cli({"HSET", info, "fence", std::to_string(fence)});
  }
  EXPECT_EQ(host.end(one), State::ended);
}

// As right after an acquisition that two servers granted late.
TEST_F(QuorumLock, TwoServersNameOtherFences_ThatOfTheOthersCounts) {
  const Session one = host.take({.ttl = 1h});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  const std::uint64_t fence = lease_of(one).fence;
  fleet.settle();
  fleet[0].cli({"HSET", LockFleet::key() + ":info", "fence", std::to_string(fence + 1000)});
  fleet[1].cli({"HSET", LockFleet::key() + ":info", "fence", std::to_string(fence + 2000)});
  for (int times = 0; times < 50; ++times) EXPECT_EQ(host.show().fence, fence);
  EXPECT_EQ(host.end(one), State::ended);
}

TEST_F(QuorumLock, MinorityFails_IsTakenRenewedAndGivenBackWithinTheTimeOfOneAnswer) {
  const std::vector<std::function<void()>> failures{
      [&] {
        fleet[0].freeze();
        fleet[3].kill();
      },
      [&] {
        fleet.set_fault(Fault::refused, {}, 1);
        fleet.set_fault(Fault::held, {}, 2);
      },
      [&] {
        fleet.set_fault(Fault::no_connection, {}, 0);
        fleet.set_fault(Fault::deaf, {}, 4);
      },
  };
  for (std::size_t i = 0; i < failures.size(); ++i) {
    SCOPED_TRACE(i);
    failures[i]();
    const agent::BootTime asked_at = loop.clock.boot_now();
    const Session one = host.take({.ttl = 2s});
    ASSERT_EQ(one->state(), State::held) << one->reason();
    EXPECT_LT(loop.clock.boot_now() - asked_at, 10ms) << "an answer takes less than 1 ms, patience 125 ms";
    loop.pass(10s);
    EXPECT_EQ(one->state(), State::held) << one->reason();
    EXPECT_TRUE(host.extend(lease_of(one).owner, 30s));
    EXPECT_EQ(host.end(one), State::ended);
    fleet[0].thaw();
    fleet[3].restart();
    fleet.set_fault(Fault::none);
    EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 30s));
    loop.pass(10s);
  }
}

TEST_F(QuorumLock, MajorityIsDown_IsAnErrorAndNotBusyUntilTheLeaseEnds) {
  const Session held = host.take({.ttl = 60s});
  const std::string owner = lease_of(held).owner;
  for (const std::size_t i : {0U, 2U, 4U}) fleet[i].kill();
  EXPECT_EQ(host.take()->state(), State::failed);
  EXPECT_EQ(host.take({.name = "other"})->state(), State::failed);
  EXPECT_THROW(host.extend(owner, 60s), agent::TransportError);
  EXPECT_EQ(held->state(), State::held) << held->reason();
  EXPECT_TRUE(loop.turn_until([&] { return held->state() == State::lost; }, 60s));
}

TEST_F(QuorumLock, MinorityRestartsEmpty_IsGivenTheLockAgainByTheNextRenewal) {
  const Session one = host.take({.ttl = 3s});
  const std::string owner = lease_of(one).owner;
  ASSERT_TRUE(loop.turn_until([&] { return fleet.count(owner) == 5; }, LockFleet::timeout));
  for (const std::size_t i : {1U, 4U}) fleet[i].restart();
  EXPECT_EQ(fleet.count(owner), 3U);
  EXPECT_TRUE(loop.turn_until([&] { return fleet.count(owner) == 5; }, 3s));
  EXPECT_EQ(one->state(), State::held) << one->reason();
  EXPECT_EQ(host.end(one), State::ended);
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, LockFleet::timeout));
}

// Else a host with many clients would split the servers between them.
TEST_F(QuorumLock, HundredContendersOfOneHost_CostTheServersOneAttempt) {
  const auto cost = [&](std::size_t contenders) {
    const std::uint64_t before = scripts_run();
    std::vector<Session> tries;
    while (tries.size() < contenders) tries.push_back(host.open({.ttl = 60s}));
    for (const Session& one : tries) host.decided(one);
    loop.pass(20ms);  // what the majority did not wait for, but no renewal
    const std::uint64_t run = scripts_run() - before;
    for (const Session& one : tries) host.end(one);
    loop.pass(1s);
    return run;
  };
  cost(1);  // loads the scripts
  const std::uint64_t alone = cost(1);
  EXPECT_GE(alone, fleet.size());
  EXPECT_EQ(cost(100), alone);
}

TEST_F(QuorumLock, VoteStaysSplit_IsBusySoonAfterTheCallersDeadline) {
  const auto foreign = [&](std::size_t server, const char* owner) {
    fleet[server].cli({"SET", LockFleet::key(), owner, "PX", "3600000"});
  };
  for (const std::size_t i : {0U, 1U}) foreign(i, "one");
  for (const std::size_t i : {2U, 3U}) foreign(i, "other");
  const agent::BootTime asked_at = loop.clock.boot_now();
  EXPECT_EQ(host.take({.wait = 20ms})->state(), State::busy);
  EXPECT_LT(loop.clock.boot_now() - asked_at, 100ms) << "two attempts and the longest pause between them";
}

// The acquisition waits for the clock of a server that has just been connected; the forced release must not pass it.
TEST_F(QuorumLock, ForcedReleaseBehindAVoteThatWaitsForAClock_LeavesNoKey) {
  fleet[4].kill();
  const auto store = fleet.make_store(1);
  store->start();
  loop.pass(100ms);
  fleet[4].restart();
  ASSERT_TRUE(loop.turn_until([&] { return store->health().endpoint.ends_with(" 5 reachable"); }));
  fleet.set_fault(Fault::held, 0, 4);
  const agent::AcquireRequest acquire{agent::new_owner_id(loop.random), true, 1h, {}};
  const agent::LockTry taken = loop.run(store->try_acquire(host.id(), acquire));
  ASSERT_TRUE(taken.lease);
  ASSERT_EQ(fleet.count(acquire.owner), 4U);
  loop.timers.schedule(loop.clock.boot_now() + 10ms, [&] { fleet.set_fault(Fault::none); });
  EXPECT_TRUE(loop.run(store->force_release(host.id())));
  loop.pass(1s);
  EXPECT_TRUE(fleet.nowhere());
  store->stop();
}

TEST_F(QuorumLock, ServerIsNamedTwice_IsRefused) {
  agent::RedlockOptions options;
  for (const std::size_t i : {0U, 1U, 0U}) options.servers.push_back(fleet.connection(LockFleet::address(1, i)));
  EXPECT_THROW(static_cast<void>(agent::make_redlock_backends(loop.timers, loop.random, options)), agent::Error);
}

}  // namespace
}  // namespace jeton::test
