// A quorum whose servers are killed, frozen, silent or refusing. The numbers in brackets are those of the lock
// scenarios.
#include <gmock/gmock.h>
#include <signal.h>

#include <array>

#include "agent/base/error.hpp"
#include "agent/coordination/lease_terms.hpp"
#include "agent/coordination/redlock_lock_store.hpp"
#include "tests/integration/coordination/redlock_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using test::RedlockHost;
using test::updater_key;

constexpr const char* outages[] = {"killed", "frozen", "refusing", "black_hole"};

class RedlockOutage : public test::Redlock, public testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] std::string kind() const { return GetParam(); }

  // Options under which servers 0 to `count` - 1 refuse or are black holes, if that is the outage.
  [[nodiscard]] RedlockCoordinatorOptions options_without(std::size_t count, Duration timeout) const {
    auto options = servers.options(timeout);
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "refusing") options.servers[i].password = [] { return SecretString("wrong"); };
      if (kind() == "black_hole") options.servers[i].address = holes[i].address();
    }
    return options;
  }
  void break_servers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "killed") servers[i].kill();
      if (kind() == "frozen") servers[i].signal(SIGSTOP);
    }
  }
  [[nodiscard]] bool breaks_later() const { return kind() == "killed" || kind() == "frozen"; }

  std::array<test::BlackHole, 3> holes;
};

INSTANTIATE_TEST_SUITE_P(All, RedlockOutage, testing::ValuesIn(outages),
                         [](const testing::TestParamInfo<const char*>& kind) { return std::string(kind.param); });

TEST_P(RedlockOutage, OfAMinorityIsNotWaitedFor) {  // [23]
  const BootTime start = loop.clock.boot_now();
  RedlockHost host(loop, options_without(2, test::patience));
  host.warm_up(breaks_later() ? 5 : 3);
  break_servers(2);
  Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.admit(lease, FetchLimits{1s, 5, 1h}).admitted);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(host.call.load()->value, SecretString("x"));
  host.call.release(host.call.acquire(1h));
  host.call.pause(1h, "429");
  EXPECT_TRUE(host.call.try_acquire(1h).pause);
  const std::string name = "t";
  const auto usage = loop.run(host.coordinator.usage(name));
  EXPECT_EQ(usage->calls, 1U);
  loop.run(host.coordinator.restore_usage(name, *usage, 1h));
  loop.run(host.coordinator.announce_rejection(name, lease.fence));
  loop.run(host.coordinator.resume(name));
  EXPECT_TRUE(host.coordinator.health().reachable);
  // No call was as long as a question to a server that does not answer.
  EXPECT_LT(loop.clock.boot_now() - start, Duration{test::patience});
}

// The same of the locks that applications take.
TEST_P(RedlockOutage, OfAMinority_IsNotWaitedForByTheLockStore) {
  const BootTime start = loop.clock.boot_now();
  RedlockLockStore store(loop.timers, loop.random, options_without(2, test::patience));
  store.start();
  const std::string connected = breaks_later() ? " 5 reachable" : " 3 reachable";
  EXPECT_TRUE(loop.turn_until([&] { return store.health().endpoint.ends_with(connected); }));
  break_servers(2);
  const LockId id{"job"};
  const auto take = [&] {
    LockTry taken = loop.run(store.try_acquire(id, {new_owner_id(loop.random), true, 1h, {}}));
    return taken.lease.value();
  };
  EXPECT_FALSE(loop.run(store.show(id)).held);
  Lease lease = take();
  EXPECT_EQ(loop.run(store.show(id)).owner, lease.owner);
  EXPECT_TRUE(loop.run(store.extend(id, lease)));
  EXPECT_TRUE(loop.run(store.release(id, lease.owner)));
  take();
  EXPECT_TRUE(loop.run(store.force_release(id)));
  EXPECT_FALSE(loop.run(store.show(id)).held);
  EXPECT_LT(loop.clock.boot_now() - start, Duration{test::patience});
  store.stop();
}

TEST_P(RedlockOutage, OfAMajorityIsNeverReadAsBusyLostOrEmpty) {  // [23]
  RedlockHost whole(loop, servers.options());
  Lease lease = hold_everywhere(whole);
  RedlockHost host(loop, options_without(3, impatience));
  EXPECT_TRUE(settles(
      [&] { return host.coordinator.health().endpoint.ends_with(breaks_later() ? " 5 reachable" : " 2 reachable"); }));
  break_servers(3);
  const BootTime valid_until = lease.valid_until;
  EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_THROW(host.call.admit(lease, FetchLimits{}), TransportError);
  EXPECT_THROW(static_cast<void>(host.call.load()), TransportError);
  EXPECT_THROW(host.call.pause(1s, "x"), TransportError);
  EXPECT_THROW(host.call.publish(make_record(loop, lease.fence, "x"), lease), TransportError);
  EXPECT_THROW(host.call.release(lease), TransportError);
  EXPECT_EQ(lease.valid_until, valid_until);
  EXPECT_FALSE(host.coordinator.health().reachable);
  servers.signal({0, 1, 2}, SIGCONT);
}

using RedlockTrouble = test::Redlock;

TEST_F(RedlockTrouble, HealthCountsTheServersAndNamesThoseThatAreOut) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  EXPECT_EQ(host.coordinator.health().endpoint, "5 servers, 5 reachable");
  EXPECT_EQ(host.coordinator.health().last_error, "");
  servers[1].kill();
  EXPECT_TRUE(settles([&] { return host.coordinator.health().endpoint == "5 servers, 4 reachable"; }));
  EXPECT_THAT(host.coordinator.health().last_error, testing::HasSubstr(servers[1].socket()));
  EXPECT_TRUE(host.coordinator.health().reachable);
}

TEST_F(RedlockTrouble, ErrorNamesTheServersThatDidNotAnswer) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  servers.signal({1, 2, 4}, SIGSTOP);
  try {
    host.call.try_acquire(1h);
    FAIL() << "asked a majority";
  } catch (const TransportError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("2 of 5 servers answered, 3 are needed"));
    EXPECT_THAT(e.what(), testing::HasSubstr(servers[4].socket()));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr(servers[0].socket())));
  }
  servers.signal({1, 2, 4}, SIGCONT);
}

TEST_F(RedlockTrouble, AcquisitionWhoseAnswersWereLostIsTakenBackEverywhere) {  // [23]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  EXPECT_TRUE(settles([&] { return locked() == 0; }));
  const test::Indices frozen{2, 3, 4};
  std::vector<std::string> before;
  for (const std::size_t i : frozen) before.push_back(servers[i].cli({"GET", test::fence_key}));
  EXPECT_TRUE(loop.turn_until([&] { return host.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  servers.signal({2, 3, 4}, SIGSTOP);
  EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(settles([&] { return servers[i].cli({"GET", updater_key}).empty(); }));
  }
  servers.signal({2, 3, 4}, SIGCONT);
  const auto reached = [&](std::size_t i) { return servers[frozen[i]].cli({"GET", test::fence_key}) != before[i]; };
  EXPECT_TRUE(settles([&] { return reached(0) || reached(1) || reached(2); }))
      << "the acquisition did not reach any of the servers: nothing was tested";
  expect_locks_stay_free();
}

TEST_F(RedlockTrouble, LockIsTakenBackFromAServerThatSleptThroughTheRelease) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  const Lease lease = hold_everywhere(host);
  servers.signal({3}, SIGSTOP);
  host.call.release(lease);
  loop.turn_until([] { return false; }, std::chrono::milliseconds(400));  // longer than the question to it
  servers.signal({3}, SIGCONT);
  expect_locks_stay_free();
}

TEST_F(RedlockTrouble, RenewalSucceedsAfterTransportFailuresWhileTheLeaseIsValid) {  // [11]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  Lease lease = host.call.acquire(1h);
  servers.signal({0, 1, 2}, SIGSTOP);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  servers.signal({0, 1, 2}, SIGCONT);
  bool renewed = false;
  EXPECT_TRUE(test::eventually([&] {
    try {
      renewed = host.call.renew(lease);
      return true;
    } catch (const TransportError&) {
      return false;
    }
  }));
  EXPECT_TRUE(renewed);
}

TEST_F(RedlockTrouble, LeaseThatCouldNotBeRenewedInTimeIsLost) {  // [11]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  Lease lease = host.call.acquire(1h);
  lease.valid_until = loop.clock.boot_now() + 700ms;
  servers.signal({0, 1, 2}, SIGSTOP);
  const auto renewed = [&] {
    try {
      return host.call.renew(lease);
    } catch (const TransportError&) {
      return true;  // not known to be lost
    }
  };
  EXPECT_TRUE(test::eventually([&] { return !renewed(); }));
  EXPECT_GE(loop.clock.boot_now(), lease.valid_until);
  servers.signal({0, 1, 2}, SIGCONT);
}

TEST_F(RedlockTrouble, ListenerHearsThroughTheServersThatAreLeftAndIsToldOfTheGap) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  b.listen();
  b.warm_up();
  servers[0].kill();
  servers[1].kill();
  const Lease lease = a.call.acquire(1h);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(settles([&] { return !b.listener.records.empty(); }));
  const int gaps = b.listener.gaps;
  servers[0].restart();
  EXPECT_TRUE(settles([&] { return b.listener.gaps > gaps; }));
}

}  // namespace
}  // namespace jeton::agent
