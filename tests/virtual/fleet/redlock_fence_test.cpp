// The fence over servers whose counters, clocks and data differ. The numbers in brackets are those of the lock
// scenarios.
#include <gmock/gmock.h>

#include "agent/fleet/lease_terms.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::fence_key;
using test::RedlockHost;

// Higher than any clock says, so that only what the servers remember can make the next fence higher.
constexpr std::uint64_t far_ahead = 4'000'000'000'000'000;

class RedlockFence : public test::VirtualRedlock {
 protected:
  // Over every majority of three in turn, by two hosts in turn.
  void expect_rising_fences(test::QuorumServers& on) {
    RedlockHost a(loop, on.options());
    RedlockHost b(loop, on.options());
    a.warm_up();
    b.warm_up();
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < 2 * test::minorities.size(); ++i) {
      on.hold_elsewhere(test::minorities[i % test::minorities.size()]);
      RedlockHost& host = i % 2 == 0 ? a : b;
      const Lease lease = host.call.acquire(1h);
      EXPECT_GT(lease.fence, last) << "acquisition " << i;
      last = lease.fence;
      host.call.release(lease);
    }
  }
};

TEST_F(RedlockFence, CountersDiverge_RisesOverEveryMajority) {  // [21]
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i].cli({"SET", fence_key, std::to_string(far_ahead + 1'000'000'000 * (i % 2 == 0 ? i : 10 - i))});
  }
  expect_rising_fences(servers);
}

TEST_F(RedlockFence, ClocksDiffer_RisesOverEveryMajority) {  // [21]
  test::QuorumServers wrong(loop, std::vector<std::int64_t>{3600, -3600, 0, 86'400, -7200});
  expect_rising_fences(wrong);
}

TEST_F(RedlockFence, ServersDrewALowerOne_IsWrittenBackToThem) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  servers[2].cli({"SET", fence_key, std::to_string(far_ahead)});
  servers.hold_elsewhere({0, 1});
  const Lease lease = host.call.acquire(1h);
  EXPECT_GT(lease.fence, far_ahead);
  EXPECT_TRUE(loop.eventually([&] { return servers.count(fence_key, std::to_string(lease.fence)) == 5; }))
      << "also to those that are another's: they may be in the next majority";
}

TEST_F(RedlockFence, CounterCannotBeOne_IsWrittenOver) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  for (const std::size_t i : {3U, 4U})
    servers[i].cli({"SET", fence_key, std::to_string(fence_limit(loop.clock.wall_now()) + 1'000'000'000)});
  servers.hold_elsewhere({3, 4});  // or the acquisition itself would write there
  const Lease lease = host.call.acquire(1h);
  EXPECT_LT(lease.fence, far_ahead);
  EXPECT_TRUE(loop.eventually([&] { return servers.count(fence_key, std::to_string(lease.fence)) == 5; }));
}

TEST_F(RedlockFence, ClockOfAServerIsCenturiesAhead_ItsFencesCountForNothing) {
  constexpr std::int64_t centuries = 200LL * 365 * 24 * 3600;
  test::QuorumServers wrong(loop, std::vector<std::int64_t>{centuries, 0, 0, 0, 0});
  RedlockHost host(loop, wrong.options());
  host.warm_up();
  for (int times = 0; times < 20; ++times) {
    const Lease lease = host.call.acquire(1h);
    EXPECT_LT(lease.fence, fence_limit(loop.clock.wall_now()));
    host.call.release(lease);
  }
  for (std::size_t i = 1; i < wrong.size(); ++i) {
    const std::string counter = wrong[i].cli({"GET", fence_key});
    if (!counter.empty()) {
      EXPECT_LT(std::stoull(counter), fence_limit(loop.clock.wall_now())) << i;
    }
  }
}

TEST_F(RedlockFence, MinorityLostItsData_Rises) {  // [21]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  std::uint64_t last = far_ahead;
  servers[0].cli({"SET", fence_key, std::to_string(last)});
  servers.hold_elsewhere({1, 2});
  for (const test::Indices& lost : test::minorities) {
    const Lease lease = host.call.acquire(1h);
    EXPECT_GT(lease.fence, last);
    last = lease.fence;
    EXPECT_TRUE(loop.eventually([&] { return servers.count(fence_key, std::to_string(last)) == 5; }));
    host.call.release(lease);
    for (const std::size_t i : lost) servers[i].cli({"FLUSHALL"});
    // The next majority has to make do with those two and a single server that remembers.
    test::Indices held;
    for (std::size_t i = 0; i < servers.size() && held.size() < 2; ++i) {
      if (std::find(lost.begin(), lost.end(), i) == lost.end()) held.push_back(i);
    }
    servers.hold_elsewhere(held);
  }
}

TEST_F(RedlockFence, MinorityWasRestarted_Rises) {  // [21]
  RedlockHost host(loop, servers.options());
  host.warm_up();
  servers[0].cli({"SET", fence_key, std::to_string(far_ahead)});
  servers.hold_elsewhere({3, 4});  // so that the first is among those that decide
  const Lease lease = host.call.acquire(1h);
  EXPECT_GT(lease.fence, far_ahead);
  EXPECT_TRUE(loop.eventually([&] { return servers.count(fence_key, std::to_string(lease.fence)) == 5; }));
  host.call.release(lease);
  servers[0].restart();
  servers[1].restart();
  EXPECT_TRUE(loop.eventually([&] { return host.coordinator.health().endpoint.ends_with(" 5 reachable"); }));
  servers.hold_elsewhere({3, 4});
  EXPECT_GT(host.call.acquire(1h).fence, lease.fence);
}

TEST_F(RedlockFence, SingleServerHasAHigherRecord_IsAboveIt) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const std::string ahead = std::to_string(far_ahead);
  servers[1].cli({"HSET", test::token_key, "generation", ahead, "record", "x"});
  servers.hold_elsewhere({3, 4});
  EXPECT_GT(host.call.acquire(1h).fence, far_ahead);
}

}  // namespace
}  // namespace jeton::agent
