// The redis coordinator when the server is killed, stopped, locked or of another mind.
#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/fleet/backend/factory.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using RedisTrouble = test::VirtualRedis;

// The call ends with a TransportError, whose message is returned.
std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const TransportError& e) {
    return e.what();
  }
  ADD_FAILURE() << "no TransportError";
  return {};
}

TEST_F(RedisTrouble, ServerIsFrozen_IsNeverReadAsBusyLostOrEmpty) {
  test::Host host(loop, impatient());
  Lease lease = host.call.acquire(1h);
  const BootTime valid_until = lease.valid_until;
  server.freeze();
  EXPECT_NE(failure_of([&] { host.call.try_acquire(1s); }), "");
  EXPECT_NE(failure_of([&] { host.call.renew(lease); }), "");
  EXPECT_NE(failure_of([&] { host.call.release(lease); }), "");
  EXPECT_NE(failure_of([&] { host.call.admit(lease, FetchLimits{}); }), "");
  EXPECT_NE(failure_of([&] { host.call.publish(make_record(loop, lease.fence, "x"), lease); }), "");
  EXPECT_NE(failure_of([&] { static_cast<void>(host.call.load()); }), "");
  EXPECT_NE(failure_of([&] { host.call.pause(1s, "x"); }), "");
  EXPECT_EQ(lease.valid_until, valid_until);
  EXPECT_FALSE(host.coordinator.health().reachable);
  EXPECT_NE(host.coordinator.health().last_error, "");
  server.thaw();
}

TEST_F(RedisTrouble, ServerIsAbsent_CallsCostNoMoreThanTheTimeout) {
  test::Host host(loop, options(250ms));
  server.kill();
  const std::vector<std::function<void()>> calls{[&] { host.call.try_acquire(1s); },
                                                 [&] { static_cast<void>(host.call.load()); },
                                                 [&] { host.call.pause(1s, "x"); }};
  for (const auto& call : calls) {
    const BootTime before = loop.clock.boot_now();
    EXPECT_NE(failure_of(call), "");
    EXPECT_LE(loop.clock.boot_now() - before, 250ms);
  }
}

// systemd/README.md, "Data loss": how soon a server that was away is found again.
TEST_F(RedisTrouble, ServerIsAway_IsTriedWithinHalfASecondAndAfterHalfAMinuteAboutEverySecond) {
  auto watched = options().connection;
  std::vector<BootTime> tried;
  watched.connect = [&, connect = watched.connect](Timers& timers, redis::Address address, redis::TlsOptions tls,
                                                   BootTime deadline, redis::ConnectAttempt& attempt) {
    tried.push_back(loop.clock.boot_now());
    return connect(timers, std::move(address), std::move(tls), deadline, attempt);
  };
  redis::Client client(loop.timers, loop.random, std::move(watched));
  client.start();
  loop.pass(5s);
  ASSERT_EQ(tried.size(), 1U);
  server.kill();
  const BootTime began = loop.clock.boot_now();
  loop.pass(5min);
  tried.front() = began;
  for (std::size_t i = 1; i < tried.size(); ++i) {
    const bool young = tried[i - 1] < began + 30s;
    EXPECT_LE(tried[i] - tried[i - 1], young ? 510ms : 2010ms) << i;
    EXPECT_GE(tried[i] - tried[i - 1], young ? 0ms : 500ms) << i;
  }
  const auto late = std::count_if(tried.begin(), tried.end(), [&](BootTime at) { return at >= began + 1min; });
  EXPECT_GE(late, 4 * 60 / 2);
  EXPECT_LE(late, 4 * 60 / 1);
}

TEST_F(RedisTrouble, ServerRestarts_ListenerIsToldOfTheGapAndHearsAgain) {
  a.listen();
  b.listen();
  server.kill();
  ASSERT_TRUE(loop.turn_until([&] { return !a.coordinator.health().reachable; }));
  server.restart();
  ASSERT_TRUE(loop.turn_until([&] { return a.listener.gaps >= 2 && b.listener.gaps >= 2; }));
  // The connection for commands may be back first, which is a gap as well.
  ASSERT_TRUE(loop.turn_until([&] { return b.coordinator.reports_losses("t"); }));
  const Lease lease = a.call.acquire(60s);
  EXPECT_TRUE(a.call.publish(make_record(loop, lease.fence, "x"), lease).stored);
  EXPECT_TRUE(loop.turn_until([&] { return !b.listener.records.empty(); }));
  EXPECT_TRUE(a.coordinator.health().reachable);
  EXPECT_EQ(a.coordinator.health().last_error, "");
}

TEST_F(RedisTrouble, SilentServerWakes_ListenerIsToldOfTheGap) {
  auto options = impatient();
  options.keepalive = 100ms;
  test::Host host(loop, std::move(options));
  host.listen();
  server.freeze();
  EXPECT_TRUE(loop.turn_until([&] {
    return !host.coordinator.health().last_error.empty() ||
           failure_of([&] { static_cast<void>(host.call.load()); }) != "";
  }));
  loop.pass(600ms);  // longer than a PING and its deadline
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.gaps >= 2; }));
}

TEST_F(RedisTrouble, CallFailedAndConnectionIsBack_ListenerLooksAnew) {
  test::Host host(loop, impatient());
  host.listen();
  static_cast<void>(host.call.load());  // the clock's offset is known
  const int gaps = host.listener.gaps;
  server.freeze();
  failure_of([&] { static_cast<void>(host.call.load()); });
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] { return host.listener.gaps > gaps; }));
}

// Each question of a call has a timeout of its own: together they take longer than one.
TEST_F(RedisTrouble, ServerIsSlowAndItsClockUnknown_CallsSucceed) {
  test::Host host(loop, options(500ms));
  Lease lease = host.call.acquire(1h);
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "x"), lease).stored);  // the server knows the scripts
  servers.network().set_latency(70ms, 70ms);  // an answer takes 140 ms, the clock three of them
  host.coordinator.clock_stepped();
  EXPECT_TRUE(host.call.load());
  host.coordinator.clock_stepped();
  lease = host.call.acquire(1h);
  host.coordinator.clock_stepped();
  EXPECT_TRUE(host.call.publish(make_record(loop, lease.fence, "y"), lease).stored);
}

TEST_F(RedisTrouble, ServerIsSlowAndItsRecordGarbage_IsReplaced) {
  test::Host host(loop, options(500ms));
  const Lease lease = host.call.acquire(1h);
  const Record record = make_record(loop, lease.fence, "x");
  EXPECT_TRUE(host.call.publish(record, lease).stored);
  server.cli({"HSET", token, "record", "garbage"});
  EXPECT_TRUE(host.call.publish(record, lease).stored);  // the server knows the scripts
  server.cli({"HSET", token, "record", "garbage"});
  servers.network().set_latency(150ms, 150ms);
  EXPECT_TRUE(host.call.publish(record, lease).stored);
  EXPECT_NE(server.cli({"HGET", token, "record"}), "garbage");
}

TEST_F(RedisTrouble, SilentServerWakes_TroubleEnds) {
  test::Host host(loop, impatient());
  ASSERT_TRUE(host.call.load() == std::nullopt);
  server.freeze();
  failure_of([&] { static_cast<void>(host.call.load()); });
  EXPECT_NE(host.coordinator.health().last_error, "");
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] {
    const auto health = host.coordinator.health();
    return health.reachable && health.last_error.empty();
  }));
}

}  // namespace
}  // namespace jeton::agent
