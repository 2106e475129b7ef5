// Acquisition (lock scenarios 1, 2, 3, 5 and 21).
#include "tests/virtual/locks/lock_fleet.hpp"

namespace jeton::test {
namespace {

TEST_P(AnyLock, Free_IsGivenWithOwnerFenceAndTimeToLive) {
  const agent::BootTime asked_at = loop.clock.boot_now();
  const Session one = host.take({.ttl = 60s});
  ASSERT_EQ(one->state(), State::held) << one->reason();
  const agent::LockView view = host.show();
  EXPECT_TRUE(view.held);
  EXPECT_EQ(view.owner, lease_of(one).owner);
  EXPECT_EQ(view.fence, lease_of(one).fence);
  EXPECT_GT(view.fence, 0U);
  EXPECT_LE(view.ttl.value(), 60s);
  EXPECT_GT(view.ttl.value(), 60s - 200ms);
  EXPECT_LT(lease_of(one).valid_until, asked_at + 60s) << "it is trusted for less than the store keeps it";
  EXPECT_EQ(host.end(one), State::ended);
  EXPECT_FALSE(host.show().held);
}

TEST_P(FleetLock, Free_IsOnEveryServerWithItsOwnerAndItsTimeToLive) {
  const auto lease = host.acquire({.ttl = 60s});
  ASSERT_TRUE(lease);
  EXPECT_TRUE(loop.turn_until([&] { return fleet.count(lease->owner) == fleet.size(); }, LockFleet::timeout));
  EXPECT_LE(fleet.pttl(), 60'000);
  EXPECT_GT(fleet.pttl(), 59'800);
  const auto is_written_back = [&] {
    const auto counters = fleet.counters();
    return std::all_of(counters.begin(), counters.end(), [&](const auto& c) { return std::stoull(c) >= lease->fence; });
  };
  EXPECT_TRUE(loop.turn_until(is_written_back, LockFleet::timeout));
  EXPECT_TRUE(host.release(lease->owner));
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, LockFleet::timeout));
  EXPECT_EQ(fleet[0].cli({"EXISTS", LockFleet::key() + ":info"}), "0");
}

TEST_P(FleetLock, FenceBesideItIsNone_CountsForNothing) {
  const Session one = host.take();
  ASSERT_EQ(one->state(), State::held) << one->reason();
  fleet.settle();  // the last step of an acquisition writes the fence there
  const std::string info = LockFleet::key() + ":info";
  for (const char* forged : {"18446744073709551615", "9006999999999998", "-1", "none", ""}) {
    fleet.cli({"HSET", info, "fence", forged});
    const agent::LockView view = host.show();
    EXPECT_TRUE(view.held) << forged;
    EXPECT_EQ(view.fence, 0U) << forged;
  }
  EXPECT_EQ(host.end(one), State::ended);
}

TEST_P(FleetLock, KeyBesideItHasAnotherType_IsAnErrorAndNoLockIsLeft) {
  for (const char* beside : {":fence", ":info"}) {
    fleet.cli({"RPUSH", LockFleet::key() + beside, "x"});
    EXPECT_THROW(host.acquire(), agent::TransportError) << beside;
    EXPECT_TRUE(fleet.nowhere()) << beside;
    fleet.cli({"DEL", LockFleet::key() + beside});
  }
  EXPECT_TRUE(host.acquire());
}

TEST_P(AnyLock, Held_IsBusyAtOnceAndTheHolderKeepsItsLock) {
  const auto first = host.acquire({.ttl = 60s});
  ASSERT_TRUE(first);
  const agent::LockView before = host.show();
  const agent::BootTime asked_at = loop.clock.boot_now();
  const Session second = host.take({.ttl = 1h});
  EXPECT_EQ(second->state(), State::busy);
  EXPECT_LT(loop.clock.boot_now() - asked_at, LockFleet::timeout);
  EXPECT_EQ(second->busy().holder, first->owner);
  const agent::LockView after = host.show();
  EXPECT_EQ(after.owner, first->owner);
  EXPECT_EQ(after.fence, first->fence);
  EXPECT_LE(after.ttl.value(), before.ttl.value());
  EXPECT_GT(after.ttl.value(), 59s);
}

TEST_P(AnyLock, HundredTriesAtOnce_OneWinsAndTheOthersAreBusy) {
  std::vector<Session> tries;
  for (int i = 0; i < 100; ++i) tries.push_back(host.open({.ttl = 60s}));
  std::size_t won = 0;
  std::size_t busy = 0;
  for (const Session& one : tries) {
    const State state = host.decided(one)->state();
    won += state == State::held ? 1 : 0;
    busy += state == State::busy ? 1 : 0;
  }
  EXPECT_EQ(won, 1U);
  EXPECT_EQ(busy, 99U);
}

TEST_P(FleetLock, TriesOfTwentyHostsAtOnce_OneWinsAndTheOthersAreBusy) {
  std::vector<LockHost*> hosts{&host};
  while (hosts.size() < 20) hosts.push_back(&fleet.add_host());
  std::vector<Session> tries;
  for (LockHost* one : hosts) tries.push_back(one->open({.ttl = 60s}));
  std::size_t won = 0;
  std::size_t busy = 0;
  for (const Session& one : tries) {
    const State state = host.decided(one)->state();
    won += state == State::held ? 1 : 0;
    busy += state == State::busy ? 1 : 0;
  }
  EXPECT_EQ(won, 1U);
  EXPECT_EQ(busy, 19U);
}

TEST_P(AnyLock, TakenAndGivenBackTenTimes_IsFreeEachTimeAndItsFenceRises) {
  std::uint64_t last = 0;
  for (int i = 0; i < 10; ++i) {
    const Session one = host.take();
    ASSERT_EQ(one->state(), State::held) << one->reason();
    EXPECT_GT(lease_of(one).fence, last);
    last = lease_of(one).fence;
    EXPECT_EQ(host.end(one), State::ended);
    EXPECT_FALSE(host.show().held);
  }
}

TEST_P(FleetLock, EverythingFlushed_ItsFenceRisesAllTheSame) {
  const auto before = host.acquire();
  ASSERT_TRUE(before);
  fleet.cli({"FLUSHALL"});
  const auto after = host.acquire();
  ASSERT_TRUE(after);
  EXPECT_GT(after->fence, before->fence);
}

// As after a failover to a replica that never heard of the lock.
TEST_P(FleetLock, ServersLostTheCounter_ItsFenceRisesAndTheFormerHolderHasNothing) {
  const auto before = host.acquire({.ttl = 1h});
  ASSERT_TRUE(before);
  for (std::size_t i = 0; i < fleet.size(); ++i) fleet[i].restart();
  const Session after = host.take({.ttl = 1h, .wait = 10s});
  ASSERT_EQ(after->state(), State::held) << after->reason();
  EXPECT_GT(lease_of(after).fence, before->fence);
  EXPECT_FALSE(host.release(before->owner));
  EXPECT_EQ(host.show().owner, lease_of(after).owner);
}

TEST_P(AnyLock, OtherNames_HaveCountersAndHoldersOfTheirOwn) {
  const auto one = host.acquire({.name = "job"});
  const auto other = host.acquire({.name = "another"});
  ASSERT_TRUE(one && other);
  EXPECT_TRUE(host.release(one->owner));
  EXPECT_EQ(host.show("another").owner, other->owner);
}

TEST_P(AnyLock, OwnerIdThatWasAskedFor_HoldsItOnce) {
  const auto lease = host.acquire({.owner = "deploy-42"});
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->owner, "deploy-42");
  EXPECT_FALSE(host.acquire({.owner = "deploy-42"})) << "not even it takes it twice";
  EXPECT_TRUE(host.release("deploy-42"));
}

TEST_P(AnyLock, OneOfSeveralIsHeld_NoneIsTaken) {
  const auto held = host.acquire({.name = "b"});
  ASSERT_TRUE(held);
  EXPECT_EQ(host.take({.name = "a", .also = {"b", "c"}})->state(), State::busy);
  EXPECT_FALSE(host.show("a").held);
  EXPECT_FALSE(host.show("c").held);
  EXPECT_TRUE(host.release(held->owner, "b"));
  const Session all = host.take({.name = "a", .wait = 10s, .also = {"b", "c"}});
  ASSERT_EQ(all->state(), State::held) << all->reason();
  EXPECT_GT(all->find("b")->lease.fence, held->fence);
  EXPECT_EQ(host.take({.name = "c"})->state(), State::busy);
  EXPECT_EQ(host.end(all), State::ended);
  EXPECT_FALSE(host.show("c").held);
}

TEST_P(FleetLock, AnswerComesAfterTheTimeToLive_IsAnErrorAndLeavesNoKey) {
  free_again(host);  // the servers know the scripts from here on
  fleet.network.set_latency(100ms, 100ms);
  const Session late = host.take({.ttl = 100ms});
  EXPECT_EQ(late->state(), State::failed);
  EXPECT_NE(late->reason().find("too late"), std::string::npos) << late->reason();
  EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }, 1s));
}

}  // namespace
}  // namespace jeton::test
