// Many contenders for one lock of a quorum: of one host and of several, none of which waits.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/integration/backends/redlock_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::RedlockHost;

class RedlockContention : public test::Redlock {
 protected:
  struct Outcome {
    int tries = 0;
    int ended = 0;
    std::vector<Lease> won;
    std::vector<std::string> failures;
  };

  template <typename Result>
  void begin(Task<Result> attempt, Outcome& outcome) {
    ++outcome.tries;
    boost::asio::co_spawn(loop.context, std::move(attempt), [&outcome](const std::exception_ptr& e, Result result) {
      ++outcome.ended;
      try {
        if (e) std::rethrow_exception(e);
        if (result.lease) outcome.won.push_back(*result.lease);
      } catch (const std::exception& error) {
        outcome.failures.emplace_back(error.what());
      }
    });
  }
  void end(const Outcome& outcome) {
    ASSERT_TRUE(loop.turn_until([&] { return outcome.ended == outcome.tries; }));
    EXPECT_EQ(outcome.failures, std::vector<std::string>{});
  }

  struct LockHost {
    explicit LockHost(test::Loop& loop, const RedlockOptions& options)
        : backends(make_redlock_backends(loop.timers, loop.random, options)) {
      store.start();
      EXPECT_TRUE(loop.turn_until([&] { return store.health().endpoint.ends_with(" 5 reachable"); }));
    }
    ~LockHost() { store.stop(); }
    Backends backends;
    LockStore& store = *backends.locks;
  };
  AcquireRequest request() { return {new_owner_id(loop.random), true, 1h, {}}; }
  const LockId id{"job"};
};

TEST_F(RedlockContention, HundredTriesOfOneHostForALock_OneWins) {
  LockHost host(loop, servers.options());
  for (int round = 0; round < 10; ++round) {
    Outcome outcome;
    for (int i = 0; i < 100; ++i) begin(host.store.try_acquire(id, request()), outcome);
    end(outcome);
    ASSERT_EQ(outcome.won.size(), 1U);
    EXPECT_TRUE(loop.run(host.store.release(id, outcome.won.front().owner)));
  }
}

TEST_F(RedlockContention, HundredTriesOfOneHostForAnUpdaterLock_OneWins) {
  RedlockHost host(loop, servers.options());
  host.warm_up();
  for (int round = 0; round < 10; ++round) {
    Outcome outcome;
    const std::string name = "t";
    for (int i = 0; i < 100; ++i) begin(host.coordinator.try_acquire(name, 1h), outcome);
    end(outcome);
    ASSERT_EQ(outcome.won.size(), 1U);
    host.call.release(outcome.won.front());
  }
}

TEST_F(RedlockContention, TriesOfSeveralHosts_OneWinsInEveryRound) {
  std::vector<std::unique_ptr<LockHost>> hosts;
  for (int i = 0; i < 4; ++i) hosts.push_back(std::make_unique<LockHost>(loop, servers.options()));
  for (std::size_t round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const std::size_t contending = 2 + round % 3;
    Outcome outcome;
    for (int i = 0; i < 10; ++i) {
      for (std::size_t h = 0; h < contending; ++h) begin(hosts[h]->store.try_acquire(id, request()), outcome);
    }
    end(outcome);
    ASSERT_EQ(outcome.won.size(), 1U);
    for (std::size_t h = 0; h < contending; ++h) {
      static_cast<void>(loop.run(hosts[h]->store.release(id, outcome.won.front().owner)));
    }
  }
}

}  // namespace
}  // namespace jeton::agent
