// A server that ends connections which are not used (`timeout` of redis.conf, a load balancer).
#include <numeric>

#include "agent/fleet/redis/redis_backend.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class IdleConnection : public testing::Test {
 protected:
  RedisOptions options() {
    RedisOptions options;
    options.connection = servers.connection(0, 500ms);
    return options;
  }
  std::string log_of(const std::function<void()>& what) {
    testing::internal::CaptureStderr();
    what();
    return testing::internal::GetCapturedStderr();
  }

  test::VirtualLoop loop;
  test::MemoryServers servers{loop, 1};
  test::MemoryServer& server = servers[0];
};

TEST_F(IdleConnection, IsEndedByTheServer_IsNoOutageAndIsKeptAliveFromThenOn) {
  for (const auto timeout : {1s, 3s, 60s, 350s}) {
    SCOPED_TRACE(timeout.count());
    server.set_idle_timeout(timeout);
    test::Host host(loop, options());
    LockStore& locks = *host.backends.locks;
    locks.start();
    host.listen();
    std::uint64_t greetings = 0;
    const std::string log = log_of([&] {
      loop.pass(4 * timeout + 10s);
      greetings = server.commands("HELLO");
      loop.pass(10 * timeout);
    });
    EXPECT_EQ(server.commands("HELLO"), greetings) << "it was ended again";
    EXPECT_EQ(log.find("out of reach"), std::string::npos) << log;
    // A quiet connection is asked in any case, that for commands the latest.
    EXPECT_EQ(log.find("PING keeps them open") != std::string::npos, timeout < options().keepalive * 5 / 2) << log;
    EXPECT_EQ(host.coordinator.health().last_error, "");
    EXPECT_TRUE(host.coordinator.health().reachable);
    EXPECT_TRUE(locks.health().reachable);
    host.call.release(host.call.acquire(1h));
    locks.stop();
  }
}

TEST_F(IdleConnection, ServerDiesAndComesBack_AnswersAndReconnectsAreCounted) {
  RedisOptions counted = options();
  const auto tally = std::make_shared<ConnectionTally>();
  counted.connection.tally = tally;
  const auto answers = [&] {
    const auto& counts = tally->answers.counts();
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  };
  test::Host host(loop, counted);
  host.listen();
  const std::uint64_t before = answers();
  host.call.release(host.call.acquire(1h));
  EXPECT_GE(answers(), before + 2) << "one for each command";
  EXPECT_EQ(tally->reconnects, 0U);
  log_of([&] {
    server.kill();
    loop.pass(1s);
    server.restart();
    loop.pass(2s);
  });
  EXPECT_EQ(tally->reconnects, 2U) << "of the connection for commands and of that for messages";
}

TEST_F(IdleConnection, ServerDies_IsAnOutage) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(10s);
  const std::string log = log_of([&] {
    server.kill();
    loop.pass(1s);
  });
  EXPECT_NE(log.find("redis is out of reach"), std::string::npos) << log;
  EXPECT_FALSE(host.coordinator.health().reachable);
  const std::string after = log_of([&] {
    server.restart();
    loop.pass(2s);
  });
  EXPECT_NE(after.find("redis is back"), std::string::npos) << after;
}

TEST_F(IdleConnection, ServerIsRestartedTwiceAfterTheSameTime_IsNotTakenForALimit) {
  test::Host host(loop, options());
  host.listen();
  const std::string log = log_of([&] {
    loop.pass(10s);
    server.restart_with_data();
    loop.pass(10s);
    server.restart_with_data();
    loop.pass(10s);
  });
  EXPECT_EQ(log.find("PING keeps them open"), std::string::npos) << log;
  const auto pings = server.commands("PING");
  loop.pass(14s);
  EXPECT_LE(server.commands("PING"), pings + 1) << "the one of the subscription";
}

TEST_F(IdleConnection, ServerComesBackWithoutALimit_IsNotKeptAliveAnyMore) {
  server.set_idle_timeout(1s);
  test::Host host(loop, options());
  host.listen();
  EXPECT_NE(log_of([&] { loop.pass(20s); }).find("PING keeps them open"), std::string::npos);
  log_of([&] {
    server.kill();
    server.set_idle_timeout(0s);
    loop.pass(1s);
    server.restart();
    loop.pass(10s);
  });
  const auto pings = server.commands("PING");
  loop.pass(14s);
  EXPECT_LE(server.commands("PING"), pings + 1) << "the one of the subscription";
}

// The first restart comes in the moment of an answer: half of that idle time would be an interval of microseconds.
TEST_F(IdleConnection, ServerIsRestartedInUseAndAgainSoon_IsNotTakenForALimit) {
  test::Host host(loop, options());
  host.listen();
  loop.pass(10s);
  host.call.release(host.call.acquire(1h));
  server.restart_with_data();
  loop.pass(2s);
  server.restart_with_data();
  loop.pass(2s);
  const auto commands = server.commands("PING") + server.commands("SUBSCRIBE");
  loop.pass(10s);
  EXPECT_LE(server.commands("PING") + server.commands("SUBSCRIBE"), commands + 2);
}

}  // namespace
}  // namespace jeton::agent
