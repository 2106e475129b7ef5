// Records, counts and messages over five memory servers. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using test::RedlockHost;
using test::token_key;
using test::updater_key;

class RedlockRecord : public test::VirtualRedlock {
 protected:
  [[nodiscard]] std::size_t have(const test::QuorumServers& on, std::uint64_t generation) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < on.size(); ++i) {
      found += on[i].cli({"HGET", token_key, "generation"}) == std::to_string(generation) ? 1 : 0;
    }
    return found;
  }
};

TEST_F(RedlockRecord, ServersThatTookItAreMostlyDown_IsRead) {
  std::uint64_t generation = 0;
  {
    RedlockHost writer(loop, servers.options());
    writer.warm_up();
    servers[3].kill();
    servers[4].kill();
    // Three servers must grant it, and one of them may still be busy with the release of the warming up.
    const Lease lease = writer.call.acquire(1h);
    generation = lease.fence;
    EXPECT_TRUE(writer.call.publish(make_record(loop, generation, "newest"), lease).stored);
    EXPECT_TRUE(loop.eventually([&] { return have(servers, generation) == 3; }));
  }
  servers[0].kill();
  servers[1].kill();
  servers[3].restart();
  servers[4].restart();
  RedlockHost reader(loop, servers.options(impatience));
  reader.warm_up(3);
  const auto record = reader.call.load();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->value, SecretString("newest"));
  EXPECT_TRUE(loop.eventually([&] { return have(servers, generation) == 3; })) << "the laggards were not repaired";
  EXPECT_GT(reader.call.acquire(1h).fence, generation);
}

TEST_F(RedlockRecord, ServerLostIt_IsGivenToIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
  servers[2].cli({"FLUSHALL"});
  EXPECT_TRUE(host.call.load());
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
}

TEST_F(RedlockRecord, TwoServersLostItAndOneTakesNoWrites_OtherOneIsGivenIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
  for (const std::size_t i : {1U, 3U}) servers[i].cli({"FLUSHALL"});
  servers[1].refuse("HSET", "READONLY You can't write against a read only replica.");
  EXPECT_TRUE(host.call.load());
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 4; }));
}

// No host listens that would repair it.
TEST_F(RedlockRecord, ServerLostItAndItsTokenHasRunOut_IsGivenToItForItsState) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease lease = host.call.acquire(1h);
  Record record = make_record(loop, lease.fence, "x");
  record.expires_at = loop.clock.wall_now() + 10s;
  record.state = SecretString("refresh token");
  EXPECT_TRUE(host.call.publish(record, lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
  loop.pass(20s);
  servers[2].cli({"FLUSHALL"});
  EXPECT_TRUE(host.call.load());
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
}

TEST_F(RedlockRecord, MinorityTookThePublication_IsUnknownAndCanBeRepeated) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  const Lease lease = host.call.acquire(1h);
  const Record record = make_record(loop, lease.fence, "x");
  servers.freeze({0, 1, 2});
  EXPECT_THROW(host.call.publish(record, lease), TransportError);
  servers.thaw({0, 1, 2});
  bool stored = false;
  EXPECT_TRUE(loop.eventually([&] {
    try {
      stored = host.call.publish(record, lease).stored;
      return true;
    } catch (const TransportError&) {
      return false;
    }
  }));
  EXPECT_TRUE(stored);
  EXPECT_EQ(host.call.load()->value, SecretString("x"));
  expect_locks_stay_free();
}

// Another host that had it would use a refresh token once more that has come with the record.
TEST_F(RedlockRecord, MajorityIsOutDuringThePublication_LockIsKeptForTheNextAttempt) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  const Lease lease = hold_everywhere(host);
  const Record record = make_record(loop, lease.fence, "x");
  const test::Indices majority{0, 1, 2};
  for (const std::size_t i : majority) servers[i].shut_down();
  EXPECT_THROW(host.call.publish(record, lease), TransportError);
  for (const std::size_t i : majority) servers[i].restart_with_data();
  loop.pass(10s);
  EXPECT_EQ(servers.count(updater_key, lease.owner), majority.size());
  EXPECT_TRUE(host.call.publish(record, lease).stored);
  expect_locks_stay_free();
}

TEST_F(RedlockRecord, MinorityIsOutDuringThePublication_LockEndsThereToo) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  const Lease lease = hold_everywhere(host);
  const test::Indices minority{1, 3};
  for (const std::size_t i : minority) servers[i].shut_down();
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  for (const std::size_t i : minority) servers[i].restart_with_data();
  expect_locks_stay_free();
}

TEST_F(RedlockRecord, PublishedLate_IsRefusedByAnyMajority) {  // [20]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease late = hold_everywhere(host);
  servers.hold_elsewhere({});
  const Lease next = host.call.acquire(1h);
  EXPECT_TRUE(host.call.publish(make_record(loop, next.fence, "new"), next).stored);
  for (const test::Indices& lost : test::minorities) {
    EXPECT_TRUE(loop.eventually([&] {  // one repair at a time: ask until all have it
      static_cast<void>(host.call.load());
      return have(servers, next.fence) == 5;
    }));
    for (const std::size_t i : lost) servers[i].cli({"FLUSHALL"});
    const PublishResult refused = host.call.publish(make_record(loop, late.fence, "old"), late);
    EXPECT_FALSE(refused.stored);
    ASSERT_TRUE(refused.current);
    EXPECT_EQ(refused.current->value, SecretString("new"));
    EXPECT_EQ(host.call.load()->value, SecretString("new"));
  }
}

TEST_F(RedlockRecord, Published_IsToldOnce) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  b.warm_up();
  b.listen();
  loop.pass(100ms);  // the last subscriptions
  const Lease lease = a.call.acquire(1h);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return !b.listener.records.empty(); }));
  EXPECT_TRUE(loop.eventually([&] { return have(servers, lease.fence) == 5; }));
  loop.pass(100ms);
  EXPECT_EQ(b.listener.records.size(), 1U);
}

TEST_F(RedlockRecord, Rejected_IsToldToTheFleet) {
  test::QuorumServers three(loop, 3);
  RedlockHost a(loop, three.options());
  RedlockHost b(loop, three.options());
  a.warm_up(3);
  b.warm_up(3);
  b.listen();
  loop.pass(100ms);  // the last subscriptions
  const std::string name = "t";
  loop.run(a.coordinator.announce_rejection(name, 7));
  EXPECT_TRUE(loop.eventually([&] { return !b.listener.rejected.empty(); }));
  EXPECT_THAT(b.listener.rejected, testing::Each(7));
}

TEST_F(RedlockRecord, ClocksDiffer_MeansTheSameInstant) {
  const std::vector<std::int64_t> clocks{3600, -3600, 0, 86'400, -7200};
  test::QuorumServers wrong(loop, clocks);
  RedlockHost host(loop, wrong.options());
  host.warm_up();
  const Lease lease = host.call.acquire(1h);
  const Record record = make_record(loop, lease.fence, "x", 12h);
  EXPECT_TRUE(host.call.publish(record, lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return have(wrong, lease.fence) == 5; }));
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto expected = static_cast<double>(to_unix_ms(record.expires_at) + clocks[i] * 1000);
    EXPECT_NEAR(std::stod(wrong[i].cli({"HGET", token_key, "expires_at_ms"})), expected, 10'000) << i;
    EXPECT_EQ(wrong[i].cli({"PEXPIRETIME", token_key}), wrong[i].cli({"HGET", token_key, "expires_at_ms"})) << i;
    // A clock that is wrong by a day neither expires the key at once nor keeps it for long.
    EXPECT_NEAR(std::stod(wrong[i].cli({"PTTL", token_key})), 12 * 3'600'000.0, 60'000) << i;
  }
  RedlockHost other(loop, wrong.options());
  const std::optional<Record> loaded = other.call.load();
  ASSERT_TRUE(loaded);
  EXPECT_LT(std::chrono::abs(loaded->expires_at - record.expires_at), 10s);
  EXPECT_LT(std::chrono::abs(host.coordinator.health().clock_offset), 10s) << "the median of the servers";
}

TEST_F(RedlockRecord, EveryCallCountedByAnotherMajority_BudgetHolds) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const FetchLimits limits{{}, 3, 24h};
  int admitted = 0;
  for (const test::Indices& another : test::minorities) {
    servers.hold_elsewhere(another);
    const Lease lease = host.call.acquire(1h);
    const Admission admission = host.call.admit(lease, limits);
    if (admission.admitted()) {
      ++admitted;
      EXPECT_EQ(admission.calls_used, static_cast<std::uint64_t>(admitted));
    } else {
      EXPECT_EQ(admission.refusal, FetchRefusal::budget);
      EXPECT_GT(admission.retry_at, loop.clock.boot_now() + 23h);
    }
    host.call.release(lease);
  }
  EXPECT_EQ(admitted, 3);
}

TEST_F(RedlockRecord, AnotherMajorityIsAsked_IntervalHolds) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const FetchLimits limits{30min, 0, {}};
  servers.hold_elsewhere({0, 1});
  Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.admit(lease, limits).admitted());
  host.call.release(lease);
  for (const test::Indices& another : test::minorities) {
    servers.hold_elsewhere(another);
    lease = host.call.acquire(1h);
    const Admission admission = host.call.admit(lease, limits);
    EXPECT_FALSE(admission.admitted());
    EXPECT_EQ(admission.refusal, FetchRefusal::min_interval);
    host.call.release(lease);
  }
}

TEST_F(RedlockRecord, AnotherMajorityIsAsked_PauseIsSeen) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  servers[0].kill();
  servers[1].kill();
  host.call.pause(1h, "429");
  for (std::size_t i = 2; i < 5; ++i) {
    EXPECT_TRUE(loop.eventually([&] { return servers[i].cli({"EXISTS", "jeton:{t}:pause"}) == "1"; }));
  }
  servers[0].restart();
  servers[1].restart();
  EXPECT_TRUE(loop.eventually([&] { return host.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  servers[2].kill();
  servers[3].kill();
  const AcquireResult result = host.call.try_acquire(1h);
  EXPECT_FALSE(result.lease);
  ASSERT_TRUE(result.pause);
  EXPECT_EQ(result.pause->reason, "429");
  EXPECT_TRUE(loop.eventually([&] { return servers[0].cli({"GET", test::updater_key}).empty(); }));
}

}  // namespace
}  // namespace jeton::agent
