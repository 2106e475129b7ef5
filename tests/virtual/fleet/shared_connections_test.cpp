// The coordinator and the lock store of one agent use the same connections, and do not hold each other up there.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"
#include "tests/virtual/fleet/virtual_redlock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

// On one server or, if the parameter says so, on a quorum of five.
class SharedConnections : public testing::TestWithParam<std::size_t> {
 protected:
  explicit SharedConnections(int replicas_acked = 0) {
    if (servers.size() == 1) {
      RedisOptions options;
      options.connection = servers.connection(0, timeout);
      options.replicas_acked = replicas_acked;
      backends = make_redis_backends(loop.timers, loop.random, std::move(options));
    } else {
      backends = make_redlock_backends(loop.timers, loop.random, servers.options(timeout));
    }
  }

  void start() {
    backends.coordinator->start();
    backends.locks->start();
    loop.pass(1s);
  }
  // On every server.
  [[nodiscard]] std::vector<std::size_t> connections() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < servers.size(); ++i) all.push_back(servers[i].connections());
    return all;
  }
  [[nodiscard]] std::vector<std::size_t> each(std::size_t count) const {
    return std::vector<std::size_t>(servers.size(), count);
  }
  [[nodiscard]] std::uint64_t greetings() const {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) all += servers[i].commands("HELLO");
    return all;
  }
  LockTry take(const std::string& name, Duration ttl) {
    return loop.run(backends.locks->try_acquire(LockId{name}, {new_owner_id(loop.random), true, ttl, {}}));
  }
  // Everything that an agent asks about a token, and about a lock of the same name.
  void use_token(const std::string& name) {
    test::RecordingListener listener;
    backends.coordinator->subscribe(name, &listener);
    AcquireResult taken = loop.run(backends.coordinator->try_acquire(name, 1h));
    ASSERT_TRUE(taken.lease);
    EXPECT_TRUE(loop.run(backends.coordinator->renew(name, *taken.lease)));
    const Record record = test::make_record(loop, taken.lease->fence, "x");
    EXPECT_TRUE(loop.run(backends.coordinator->publish(name, record, *taken.lease)).stored);
    EXPECT_TRUE(loop.run(backends.coordinator->load(name)));
    backends.coordinator->subscribe(name, nullptr);
  }
  void use_lock(const std::string& name) {
    int woken = 0;
    backends.locks->listen(LockId{name}, [&] { ++woken; });
    LockTry taken = take(name, 1h);
    ASSERT_TRUE(taken.lease);
    EXPECT_TRUE(loop.run(backends.locks->extend(LockId{name}, *taken.lease)));
    EXPECT_TRUE(loop.run(backends.locks->show(LockId{name})).held);
    loop.pass(100ms);
    woken = 0;
    EXPECT_TRUE(loop.run(backends.locks->release(LockId{name}, taken.lease->owner)));
    EXPECT_TRUE(loop.turn_until([&] { return woken > 0; })) << "its release is heard";
    backends.locks->listen(LockId{name}, nullptr);
  }

  static constexpr Duration timeout = 500ms;
  test::VirtualLoop loop;
  test::QuorumServers servers{loop, GetParam()};
  Backends backends;
};

TEST_P(SharedConnections, TokensAndLocksInUse_AreTwoForEachServer) {
  start();
  EXPECT_EQ(connections(), each(2));
  for (int i = 0; i < 20; ++i) {
    const std::string name = "job-" + std::to_string(i);
    use_token(name);
    use_lock(name);
    EXPECT_EQ(connections(), each(2)) << name;
  }
}

TEST_P(SharedConnections, LocksAreNotUsed_AreTwoForEachServer) {
  backends.coordinator->start();
  loop.pass(1s);
  EXPECT_EQ(connections(), each(2));
}

TEST_P(SharedConnections, LockStoreStopsFirst_TokensGoOn) {
  start();
  backends.locks->stop();
  EXPECT_THROW(take("job", 1h), TransportError);
  loop.pass(1s);
  EXPECT_EQ(connections(), each(2));
  use_token("t");
  backends.coordinator->stop();
  EXPECT_TRUE(loop.turn_until([&] { return connections() == each(0); }, 1s));
}

TEST_P(SharedConnections, CoordinatorStopsFirst_LocksGoOn) {
  start();
  test::RecordingListener listener;
  backends.coordinator->subscribe("t", &listener);
  EXPECT_TRUE(loop.turn_until([&] { return listener.gaps > 0; }));
  backends.coordinator->stop();
  EXPECT_THROW(static_cast<void>(loop.run(backends.coordinator->load(std::string("t")))), TransportError);
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].cli({"PUBLISH", "jeton:{t}:published", "{}"});
  loop.pass(1s);
  EXPECT_EQ(listener.gaps, 1) << "its listeners hear no more";
  use_lock("job");
  EXPECT_EQ(connections(), each(2));
  backends.locks->stop();
  EXPECT_TRUE(loop.turn_until([&] { return connections() == each(0); }, 1s));
}

TEST_P(SharedConnections, OneUserIsDestroyed_TheOtherGoesOn) {
  start();
  backends.coordinator.reset();
  use_lock("job");
  backends.locks.reset();
  loop.pass(1s);
  EXPECT_EQ(connections(), each(0));
}

TEST_P(SharedConnections, AllUsersHaveStopped_ALaterStartMakesNoConnection) {
  backends.coordinator->start();
  loop.pass(1s);
  backends.coordinator->stop();
  loop.pass(1s);
  backends.locks->start();
  loop.pass(1s);
  EXPECT_EQ(connections(), each(0));
}

// Records are read with the offset of the server's clock. A waiter for a lock would ask the servers for nothing.
TEST_P(SharedConnections, ClockIsStepped_WaitersForLocksAreNotWoken) {
  start();
  test::RecordingListener listener;
  int woken = 0;
  backends.coordinator->subscribe("t", &listener);
  backends.locks->listen(LockId{"job"}, [&] { ++woken; });
  loop.pass(1s);
  listener.gaps = woken = 0;
  backends.coordinator->clock_stepped();
  loop.pass(1s);
  EXPECT_GT(listener.gaps, 0);
  EXPECT_EQ(woken, 0);
  backends.coordinator->subscribe("t", nullptr);
}

TEST_P(SharedConnections, ServersRestart_BothAreServedAgain) {
  start();
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].restart();
  loop.pass(2s);
  EXPECT_EQ(connections(), each(2));
  use_token("t");
  use_lock("t");
}

// A question of a lock that ends soon is given up before its answer has come. That says nothing about the server: the
// question of a token on the same connection is answered.
TEST_P(SharedConnections, LockEndsBeforeTheServersAnswer_TokenIsServed) {
  start();
  use_token("t");
  use_lock("t");
  const std::uint64_t before = greetings();
  servers.network().set_latency(35ms, 45ms);
  for (int i = 0; i < 10; ++i) {
    bool ended = false;
    const auto taking = [&]() -> Task<> {
      try {
        const LockId id{"short"};
        AcquireRequest acquire{new_owner_id(loop.random), true, 100ms, {}};
        static_cast<void>(co_await backends.locks->try_acquire(id, std::move(acquire)));
      } catch (const TransportError&) {
        // Its time was over.
      }
      ended = true;
    };
    boost::asio::co_spawn(loop.context, taking(), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
    const std::string name = "t";
    const AcquireResult token = loop.run(backends.coordinator->try_acquire(name, 1h));
    ASSERT_TRUE(token.lease);
    loop.run(backends.coordinator->release(name, *token.lease));
    EXPECT_TRUE(loop.turn_until([&] { return ended; }));
  }
  EXPECT_EQ(greetings(), before) << "a connection was ended";
}

INSTANTIATE_TEST_SUITE_P(On, SharedConnections, testing::Values(1U, 5U),
                         [](const auto& count) { return count.param == 1U ? "redis" : "redlock"; });

// A lock counts only when a replica has it, and there is none.
class ReplicaWait : public SharedConnections {
 protected:
  ReplicaWait() : SharedConnections(1) {}

  void begin_taking(const std::string& name) {
    ++under_way;
    boost::asio::co_spawn(loop.context, take(name), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
  }
  // No lambda: its captures would end with the function that spawns it.
  Task<> take(std::string name) {
    try {
      const LockId id{name};
      AcquireRequest acquire{new_owner_id(loop.random), true, 1h, {}};
      static_cast<void>(co_await backends.locks->try_acquire(id, acquire));
    } catch (const TransportError& e) {
      failures.emplace_back(e.what());
    }
    --under_way;
  }

  int under_way = 0;
  std::vector<std::string> failures;
};

TEST_P(ReplicaWait, LocksWaitForIt_TokenIsServedMeanwhile) {
  servers[0].set_replicas(1);
  start();
  use_token("t");
  servers[0].set_replicas(0);
  for (int i = 0; i < 20; ++i) begin_taking("job-" + std::to_string(i));
  loop.pass(10ms);
  int served = 0;
  Duration longest{0};
  while (under_way > 0 && served < 1000) {
    const BootTime asked_at = loop.clock.boot_now();
    EXPECT_TRUE(loop.run(backends.coordinator->load(std::string("t"))));
    longest = std::max(longest, loop.clock.boot_now() - asked_at);
    ++served;
  }
  EXPECT_GE(served, 6);
  EXPECT_LE(longest, timeout / 2 / 10 + 5ms) << "one slice of the wait";
  ASSERT_EQ(failures.size(), 20U);
  EXPECT_NE(failures.front().find("fewer than 1 replicas have the lock in time"), std::string::npos)
      << failures.front();
  loop.pass(1s);
  EXPECT_EQ(servers[0].cli({"EXISTS", "jeton:lock:{job-0}"}), "0");
}

TEST_P(ReplicaWait, ReplicaComesMeanwhile_AllAreTaken) {
  start();
  for (int i = 0; i < 20; ++i) begin_taking("job-" + std::to_string(i));
  loop.pass(60ms);
  servers[0].set_replicas(1);
  EXPECT_TRUE(loop.turn_until([&] { return under_way == 0; }));
  EXPECT_TRUE(failures.empty()) << failures.front();
}

// The WAIT of another caller, which was sent before, lasts longer than the patience of this one.
TEST_P(ReplicaWait, WaitOfAnotherIsSlow_OneOfItsOwnIsAnswered) {
  servers[0].set_replicas(1);
  start();
  begin_taking("warm");
  ASSERT_TRUE(loop.turn_until([&] { return under_way == 0; }));
  servers.network().set_latency(10ms, 10ms);
  begin_taking("first");
  loop.pass(10ms);
  begin_taking("second");
  loop.pass(15ms);
  servers[0].freeze();  // the answer about the second is on its way, and so is the WAIT of the first
  loop.pass(300ms);
  ASSERT_EQ(under_way, 2);
  servers[0].thaw();
  EXPECT_TRUE(loop.turn_until([&] { return under_way == 0; }));
  EXPECT_TRUE(failures.empty()) << failures.front();
}

TEST_P(ReplicaWait, WaitIsAnsweredAtOnceWithTooFew_ServerIsNotFloodedWithIt) {
  start();
  servers[0].set_wait_returns_at_once(true);
  begin_taking("job");
  EXPECT_TRUE(loop.turn_until([&] { return under_way == 0; }));
  EXPECT_EQ(failures.size(), 1U);
  EXPECT_LE(servers[0].commands("WAIT"), 60U);
}

// The answer to one WAIT counts for all that was written before it.
TEST_P(ReplicaWait, ManyLocksAtOnce_ShareTheWait) {
  servers[0].set_replicas(1);
  start();
  for (int i = 0; i < 20; ++i) begin_taking("job-" + std::to_string(i));
  EXPECT_TRUE(loop.turn_until([&] { return under_way == 0; }));
  EXPECT_TRUE(failures.empty());
  EXPECT_LE(servers[0].commands("WAIT"), 5U);
}

INSTANTIATE_TEST_SUITE_P(On, ReplicaWait, testing::Values(1U), [](const auto&) { return "redis"; });

}  // namespace
}  // namespace jeton::agent
