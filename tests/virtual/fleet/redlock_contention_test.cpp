// The order of attempts at the servers of a quorum: requests of one host in their order, hosts that divide the servers
// between them.
#include <gtest/gtest.h>

#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;

class RedlockOrder : public test::VirtualRedlock {
 protected:
  // While server 4, which is frozen, still has something to do for this lease.
  void expect_release_and_next_acquisition_are_one_attempt_each(RedlockHost& host, const Lease& first) {
    host.call.release(first);
    servers.freeze({0, 1});  // from now on the vote of server 4 decides
    loop.timers.schedule(loop.clock.boot_now() + 5ms, [&] { servers.thaw({4}); });
    const BootTime asked_at = loop.clock.boot_now();
    const Lease second = host.call.acquire(1h);
    EXPECT_LT(loop.clock.boot_now() - asked_at, 50ms) << "a second attempt begins 250 ms later, see RedlockQuorum";
    EXPECT_GT(second.fence, first.fence);
    servers.thaw({0, 1});
  }
};

TEST_F(RedlockOrder, AcquisitionIsSlowOnOneServer_IsNotOvertaken) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  let_all_arrive();
  servers[4].cli({"SCRIPT", "FLUSH"});  // so that each script must be sent twice
  servers.freeze({4});
  expect_release_and_next_acquisition_are_one_attempt_each(host, host.call.acquire(1h));
}

TEST_F(RedlockOrder, ReleaseIsSlowOnOneServer_IsNotOvertaken) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  const Lease first = hold_everywhere(host);
  servers[4].cli({"SCRIPT", "FLUSH"});
  host.call.acquire(1h, "another");
  let_all_arrive();  // so that only the release must be sent twice
  servers.freeze({4});
  expect_release_and_next_acquisition_are_one_attempt_each(host, first);
}

class RedlockSplit : public test::VirtualRedlock {
 protected:
  // Shared with the tries, which may outlive the test.
  struct Race {
    std::size_t ended = 0;
    RedlockHost* winner = nullptr;
    std::vector<Lease> won;
  };

  // Each with addresses of its own, so that the way of one host can be blocked.
  void add_hosts(std::size_t count, Duration timeout) {
    while (hosts.size() < count) {
      auto options = servers.options(timeout);
      for (std::size_t i = 0; i < servers.size(); ++i) {
        options.servers[i].address = address(hosts.size(), i);
        servers.network().point(address(hosts.size(), i), servers.shared(i));
      }
      hosts.push_back(std::make_unique<RedlockHost>(loop, options));
      hosts.back()->warm_up();
    }
    let_all_arrive();
  }
  // Every host tries once, now.
  std::shared_ptr<Race> race() {
    auto race = std::make_shared<Race>();
    for (const auto& host : hosts) start_task(loop.timers.executor(), contend(*host, race));
    return race;
  }
  void expect_end(const Race& race) {
    ASSERT_TRUE(loop.turn_until([&] { return race.ended == hosts.size(); }));
    EXPECT_LE(race.won.size(), 1U);
    if (race.winner != nullptr) race.winner->call.release(race.won.front());
    loop.pass(1s);
  }
  void set_fault(test::MemoryNetwork::Fault fault, std::size_t host, const test::Indices& at) {
    for (const std::size_t i : at) servers.network().set_fault(address(host, i), fault);
  }

  std::vector<std::unique_ptr<RedlockHost>> hosts;

 private:
  static redis::Address address(std::size_t host, std::size_t server) {
    redis::Address address;
    address.host = "10.1." + std::to_string(host) + "." + std::to_string(server + 1);
    return address;
  }
  static Task<> contend(RedlockHost& host, std::shared_ptr<Race> race) {
    const std::string name = "t";
    const AcquireResult result = co_await host.coordinator.try_acquire(name, 1h);
    ++race->ended;
    if (!result.lease) co_return;
    race->winner = &host;
    race->won.push_back(*result.lease);
  }
};

// Every message takes the same time. Each host has two of the four servers that are left, and would have the other two
// after pauses of the same length, and so on.
TEST_F(RedlockSplit, TwoHostsAreInStep_OneWinsAtTheSecondAttempt) {
  using Fault = test::MemoryNetwork::Fault;
  add_hosts(2, 50ms);  // no time for a third attempt
  servers.network().set_latency(10ms, 10ms);
  servers[4].kill();
  constexpr int rounds = 20;
  int won = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    set_fault(Fault::held, 0, {0, 1});
    set_fault(Fault::held, 1, {2, 3});
    const BootTime asked_at = loop.clock.boot_now();
    const auto race = this->race();
    loop.pass(11ms);
    set_fault(Fault::none, 0, {0, 1});
    set_fault(Fault::none, 1, {2, 3});
    ASSERT_TRUE(loop.turn_until([&] { return race->ended > 0; }));
    EXPECT_GT(loop.clock.boot_now() - asked_at, 60ms) << "the first attempt was decided: nothing was tested";
    expect_end(*race);
    won += race->winner != nullptr ? 1 : 0;
  }
  EXPECT_GT(won, rounds / 2) << "their pauses are about the same one time in thirty";
}

}  // namespace
}  // namespace jeton::agent
