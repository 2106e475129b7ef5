// The lock over five memory servers. The numbers in brackets are those of the lock scenarios.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/base/error.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;
using test::updater_key;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

using RedlockLock = test::VirtualRedlock;

TEST_F(RedlockLock, Acquired_IsHeldAndGivenBackOnEveryServer) {
  RedlockHost host(loop, servers.options());
  const Lease lease = hold_everywhere(host);
  host.call.release(lease);
  EXPECT_TRUE(loop.eventually([&] { return servers.count(updater_key, "") == 5; }));
}

TEST_F(RedlockLock, MajorityIsFree_IsWonAndOnlyThen) {  // [22]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    SCOPED_TRACE(pattern);
    test::Indices foreign;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if ((pattern >> i & 1U) != 0) foreign.push_back(i);
    }
    servers.hold_elsewhere(foreign);
    const AcquireResult result = host.call.try_acquire(60s);
    EXPECT_EQ(result.lease.has_value(), foreign.size() <= 2);
    if (result.lease) {
      host.call.release(*result.lease);
    } else {
      EXPECT_GT(result.busy_until, loop.clock.boot_now() + 50min) << "the holder has an hour left";
    }
    let_all_arrive();
    EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
    EXPECT_EQ(servers.count(updater_key, "foreign"), foreign.size());
    for (const std::size_t i : foreign) EXPECT_GT(std::stoll(servers[i].cli({"PTTL", updater_key})), 3'000'000);
  }
}

TEST_F(RedlockLock, VoteIsSplit_IsBusyForAShortTimeOnly) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  servers.hold_elsewhere({0, 1});
  servers[2].cli({"SET", updater_key, "another", "PX", "3600000"});
  const AcquireResult result = host.call.try_acquire(60s);
  EXPECT_FALSE(result.lease);
  EXPECT_LT(result.busy_until, loop.clock.boot_now() + 1min);
}

TEST_F(RedlockLock, SeveralHostsRace_OneWinsSoon) {  // [3]
  constexpr int hosts = 8;
  std::vector<std::unique_ptr<RedlockHost>> contenders;
  for (int i = 0; i < hosts; ++i) contenders.push_back(std::make_unique<RedlockHost>(loop, servers.options()));
  for (const auto& host : contenders) host->warm_up();
  for (int round = 0; round < 10; ++round) {
    int winners = 0;
    int ended = 0;
    Lease won;
    RedlockHost* winner = nullptr;
    const auto contend = [&](RedlockHost& host) -> Task<> {
      const std::string name = "t";
      while (winners == 0) {
        const AcquireResult result = co_await host.coordinator.try_acquire(name, 1h);
        if (result.lease) {
          ++winners;
          won = *result.lease;
          winner = &host;
        } else if (winners == 0) {
          const BootTime soon = std::min(result.busy_until, loop.clock.boot_now() + 1s);
          co_await sleep_until(loop.timers, soon);
        }
      }
    };
    for (const auto& host : contenders) {
      boost::asio::co_spawn(loop.context, contend(*host), [&](const std::exception_ptr& e) {
        EXPECT_FALSE(e);
        ++ended;
      });
    }
    ASSERT_TRUE(loop.eventually([&] { return ended == hosts; }));
    ASSERT_EQ(winners, 1);
    EXPECT_TRUE(loop.eventually([&] { return servers.count(updater_key, won.owner) >= 3; }));
    winner->call.release(won);
    EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
  }
}

TEST_F(RedlockLock, Renewed_IsExtendedOnEveryServer) {
  RedlockHost host(loop, servers.options());
  Lease lease = hold_everywhere(host);
  lease.ttl = 1h;
  EXPECT_TRUE(host.call.renew(lease));
  EXPECT_GT(lease.valid_until, loop.clock.boot_now() + 50min);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(loop.eventually([&] { return std::stoll(servers[i].cli({"PTTL", updater_key})) > 3'000'000; }));
  }
}

TEST_F(RedlockLock, MinorityLostIt_RenewalGivesItBack) {  // [23]
  RedlockHost host(loop, servers.options(impatience));
  host.warm_up();
  Lease lease = hold_everywhere(host);
  servers[0].restart();
  servers[3].cli({"FLUSHALL"});
  EXPECT_TRUE(loop.eventually([&] {
    EXPECT_TRUE(host.call.renew(lease));
    return servers.count(updater_key, lease.owner) == 5;
  }));
  for (const std::size_t i : {0U, 3U}) {
    EXPECT_TRUE(loop.eventually([&] {
      return servers[i].cli({"GET", test::fence_key}) == std::to_string(lease.fence);
    }));
    EXPECT_GT(std::stoll(servers[i].cli({"PTTL", updater_key})), 0);
  }
}

TEST_F(RedlockLock, ServerHasAnotherOwner_RenewalLeavesIt) {  // [10]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  Lease lease = hold_everywhere(host);
  servers[1].cli({"SET", updater_key, "foreign", "PX", "3600000"});
  EXPECT_TRUE(host.call.renew(lease));
  loop.pass(200ms);
  EXPECT_EQ(servers[1].cli({"GET", updater_key}), "foreign");
}

TEST_F(RedlockLock, MajorityDeniesRenewal_IsLostAndNothingIsCreated) {  // [10, 17]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  Lease lease = hold_everywhere(host);
  for (const std::size_t i : {0U, 2U, 4U}) servers[i].cli({"FLUSHALL"});
  EXPECT_FALSE(host.call.renew(lease));
  loop.pass(300ms);
  EXPECT_EQ(servers.count(updater_key, ""), 3U);
  EXPECT_GT(host.call.acquire(1h).fence, lease.fence) << "[18] after a loss the same host locks again";
}

// After an attempt that hosts divided between them, the winner's first renewal brings the lock to the others' servers.
TEST_F(RedlockLock, ServerGrantedItToAnother_IsNotSaidToHaveLostIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  servers.hold_elsewhere({3, 4});
  Lease lease = host.call.acquire(1h);
  const auto log_of_a_renewal_without = [&](std::size_t server) {
    servers[server].cli({"DEL", updater_key});
    testing::internal::CaptureStderr();
    EXPECT_TRUE(host.call.renew(lease));
    EXPECT_TRUE(loop.eventually([&] { return servers[server].cli({"GET", updater_key}) == lease.owner; }));
    loop.pass(100ms);  // the answer
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(log_of_a_renewal_without(3), Not(HasSubstr("had lost the lock")));
  for (const std::size_t i : {0U, 3U}) {
    EXPECT_THAT(log_of_a_renewal_without(i), ContainsRegex("warning a server had lost the lock.* token=")) << i;
  }
}

TEST_F(RedlockLock, LeaseRanOut_IsNotExtendedThoughServersHaveIt) {
  RedlockHost host(loop, servers.options());
  Lease lease = host.call.acquire(1h);
  lease.valid_until = loop.clock.boot_now();
  EXPECT_FALSE(host.call.renew(lease));
}

TEST_F(RedlockLock, ReleasedWhileRenewing_LeavesNoKey) {  // [19]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  for (int round = 0; round < 20; ++round) {
    Lease lease = hold_everywhere(host);
    servers[0].cli({"DEL", updater_key});  // so that the renewal has something to give again
    servers[0].cli({"SCRIPT", "FLUSH"});
    bool ended = false;
    const auto renewal = [&]() -> Task<> {
      const std::string name = "t";
      static_cast<void>(co_await host.coordinator.renew(name, lease));
      ended = true;
    };
    const Lease released = lease;
    boost::asio::co_spawn(loop.context, renewal(), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
    loop.turn_until([&] { return round % 2 == 1 && ended; }, round % 2 == 1 ? 30s : 0s);
    host.call.release(released);
    ASSERT_TRUE(loop.eventually([&] { return ended; }));
    EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
  }
  expect_locks_stay_free();
}

TEST_F(RedlockLock, StoppedWhileReleasing_LeavesNoKey) {  // [15]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease lease = hold_everywhere(host);
  host.call.release(lease);
  host.coordinator.stop();
  expect_locks_stay_free();
}

TEST_F(RedlockLock, ClaimedAndReleased_IsToldOnceAndOnlyOfAMajority) {
  RedlockHost a(loop, servers.options());
  RedlockHost b(loop, servers.options());
  a.warm_up();
  a.listen();
  b.listen();
  EXPECT_TRUE(loop.eventually([&] { return b.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  loop.pass(100ms);  // the last subscriptions
  servers.hold_elsewhere({0, 1, 2});
  EXPECT_FALSE(a.call.try_acquire(1h).lease);
  EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
  loop.pass(100ms);
  EXPECT_TRUE(b.listener.claims.empty()) << "held back by a contender that got a minority";
  EXPECT_EQ(b.listener.releases, 0);

  servers.hold_elsewhere({});
  const Lease lease = a.call.acquire(1h);
  EXPECT_TRUE(loop.eventually([&] { return !b.listener.claims.empty(); }));
  a.call.release(lease);
  EXPECT_TRUE(loop.eventually([&] { return b.listener.releases > 0; }));
  loop.pass(100ms);
  EXPECT_EQ(b.listener.claims.size(), 1U);
  EXPECT_EQ(b.listener.releases, 1);
  EXPECT_TRUE(a.listener.claims.empty()) << "an agent need not hold back from its own claim";
}

TEST_F(RedlockLock, ServerGivenTwice_IsRefused) {  // [23]
  auto options = servers.options();
  options.servers[4].address = options.servers[1].address;
  options.servers[4].database = 1;
  try {
    static_cast<void>(make_redlock_backends(loop.timers, loop.random, options));
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr(options.servers[1].address.display() + " is given twice"));
  }
}

}  // namespace
}  // namespace jeton::agent
