// A quorum whose servers are killed, frozen, silent or refusing. The numbers in brackets are those of the lock
// scenarios.
#include <gmock/gmock.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;
using test::RedlockHost;
using test::updater_key;

constexpr const char* outages[] = {"killed", "frozen", "refusing", "black_hole"};

class QuorumOutage : public test::VirtualRedlock, public testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] std::string kind() const { return GetParam(); }

  // Options under which servers 0 to `count` - 1 refuse or are black holes, if that is the outage.
  [[nodiscard]] RedlockOptions options_without(std::size_t count, Duration timeout) {
    auto options = servers.options(timeout);
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "refusing") options.servers[i].password = [] { return SecretString("wrong"); };
      if (kind() != "black_hole") continue;
      // An address of its own, so that hosts that were there before still reach the server.
      options.servers[i].address.host = "192.0.2." + std::to_string(i + 1);
      servers.network().point(options.servers[i].address, servers.shared(i));
      servers.network().set_fault(options.servers[i].address, test::MemoryNetwork::Fault::silent);
    }
    return options;
  }
  void break_servers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (kind() == "killed") servers[i].kill();
      if (kind() == "frozen") servers[i].freeze();
    }
  }
  [[nodiscard]] bool breaks_later() const { return kind() == "killed" || kind() == "frozen"; }
};

INSTANTIATE_TEST_SUITE_P(All, QuorumOutage, testing::ValuesIn(outages),
                         [](const testing::TestParamInfo<const char*>& kind) { return std::string(kind.param); });

TEST_P(QuorumOutage, MinorityIsOut_IsNotWaitedFor) {  // [23]
  const BootTime start = loop.clock.boot_now();
  RedlockHost host(loop, options_without(2, test::patience));
  host.warm_up(breaks_later() ? 5 : 3);
  break_servers(2);
  Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_TRUE(host.call.admit(lease, FetchLimits{1s, 5, 1h}).admitted());
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_EQ(host.call.load()->value, SecretString("x"));
  host.call.release(host.call.acquire(1h));
  host.call.pause(1h, "429");
  EXPECT_TRUE(host.call.try_acquire(1h).pause);
  EXPECT_TRUE(host.coordinator.health().reachable);
  // No call was as long as a question to a server that does not answer.
  EXPECT_LT(loop.clock.boot_now() - start, Duration{test::patience});
}

TEST_P(QuorumOutage, MajorityIsOut_IsNeverReadAsBusyLostOrEmpty) {  // [23]
  RedlockHost whole(loop, servers.options());
  Lease lease = hold_everywhere(whole);
  RedlockHost host(loop, options_without(3, impatience));
  EXPECT_TRUE(loop.eventually(
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
  servers.thaw({0, 1, 2});
}

using QuorumTrouble = test::VirtualRedlock;

TEST_F(QuorumTrouble, ServerIsOut_HealthCountsAndNamesIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  EXPECT_EQ(host.coordinator.health().endpoint, "5 servers, 5 reachable");
  EXPECT_EQ(host.coordinator.health().last_error, "");
  servers[1].kill();
  EXPECT_TRUE(loop.eventually([&] { return host.coordinator.health().endpoint == "5 servers, 4 reachable"; }));
  EXPECT_THAT(host.coordinator.health().last_error, testing::HasSubstr(test::QuorumServers::address(1).display()));
  EXPECT_TRUE(host.coordinator.health().reachable);
}

TEST_F(QuorumTrouble, MajorityDoesNotAnswer_ErrorNamesThem) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  servers.freeze({1, 2, 4});
  try {
    host.call.try_acquire(1h);
    FAIL() << "asked a majority";
  } catch (const TransportError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("2 of 5 servers answered, 3 are needed"));
    EXPECT_THAT(e.what(), testing::HasSubstr(test::QuorumServers::address(4).display()));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr(test::QuorumServers::address(0).display())));
  }
  servers.thaw({1, 2, 4});
}

TEST_F(QuorumTrouble, AnswersWereLost_AcquisitionIsTakenBackEverywhere) {  // [23]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
  const test::Indices frozen{2, 3, 4};
  std::vector<std::string> before;
  for (const std::size_t i : frozen) before.push_back(servers[i].cli({"GET", test::fence_key}));
  EXPECT_TRUE(loop.turn_until([&] { return host.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  servers.freeze({2, 3, 4});
  EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(loop.eventually([&] { return servers[i].cli({"GET", updater_key}).empty(); }));
  }
  servers.thaw({2, 3, 4});
  const auto reached = [&](std::size_t i) { return servers[frozen[i]].cli({"GET", test::fence_key}) != before[i]; };
  EXPECT_TRUE(loop.eventually([&] { return reached(0) || reached(1) || reached(2); }))
      << "the acquisition did not reach any of the servers: nothing was tested";
  expect_locks_stay_free();
}

TEST_F(QuorumTrouble, ServerSleptThroughTheRelease_LockIsTakenBack) {
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  const Lease lease = hold_everywhere(host);
  servers.freeze({3});
  host.call.release(lease);
  loop.pass(400ms);  // longer than the question to it
  servers.thaw({3});
  expect_locks_stay_free();
}

TEST_F(QuorumTrouble, RenewalsFailedWhileTheLeaseIsValid_NextSucceeds) {  // [11]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  Lease lease = host.call.acquire(1h);
  servers.freeze({0, 1, 2});
  EXPECT_THROW(host.call.renew(lease), TransportError);
  EXPECT_THROW(host.call.renew(lease), TransportError);
  servers.thaw({0, 1, 2});
  bool renewed = false;
  EXPECT_TRUE(loop.eventually([&] {
    try {
      renewed = host.call.renew(lease);
      return true;
    } catch (const TransportError&) {
      return false;
    }
  }));
  EXPECT_TRUE(renewed);
}

TEST_F(QuorumTrouble, LeaseCouldNotBeRenewedInTime_IsLost) {  // [11]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  Lease lease = host.call.acquire(1h);
  lease.valid_until = loop.clock.boot_now() + 700ms;
  servers.freeze({0, 1, 2});
  const auto renewed = [&] {
    try {
      return host.call.renew(lease);
    } catch (const TransportError&) {
      return true;  // not known to be lost
    }
  };
  EXPECT_TRUE(loop.eventually([&] { return !renewed(); }));
  EXPECT_GE(loop.clock.boot_now(), lease.valid_until);
  servers.thaw({0, 1, 2});
}

TEST_F(QuorumTrouble, MinorityIsOut_ListenerHearsAndIsToldOfTheGap) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  b.listen();
  b.warm_up();
  servers[0].kill();
  servers[1].kill();
  const Lease lease = a.call.acquire(1h);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.eventually([&] { return !b.listener.records.empty(); }));
  const int gaps = b.listener.gaps;
  servers[0].restart();
  EXPECT_TRUE(loop.eventually([&] { return b.listener.gaps > gaps; }));
}

class QuorumLoads : public test::VirtualRedlock {
 protected:
  Task<> load(Coordinator& from) {
    co_await from.load("t");
    ++loaded;
  }
  std::uint64_t loaded = 0;
};

// agent/fleet/redis/server_use.hpp, most_loads.
TEST_F(QuorumLoads, AreManyAndAMinorityIsOut_TwoHundredAndFiftySixAreUnderWay) {
  RedlockHost host(loop, servers.options(500ms));
  host.warm_up();
  EXPECT_FALSE(host.call.load());
  servers[4].kill();
  servers.network().set_latency(100ms, 110ms);
  const auto asked = [this] { return servers[0].scripts(redis_scripts::load().sha1()); };
  const std::uint64_t before = asked();
  constexpr std::uint64_t all = 1000;
  for (std::uint64_t i = 0; i < all; ++i) start_task(loop.timers.executor(), load(host.coordinator));
  std::uint64_t most = 0;
  EXPECT_TRUE(loop.turn_until([&] {
    most = std::max(most, asked() - before - std::min(loaded, asked() - before));
    return loaded == all;
  }));
  EXPECT_EQ(most, 256U);
}

}  // namespace
}  // namespace jeton::agent
