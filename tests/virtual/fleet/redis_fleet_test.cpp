// Several hosts and fleets on one memory server: their keys, and their clocks.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::make_record;

using RedisFleet = test::VirtualRedis;

TEST_F(RedisFleet, PrefixesDiffer_FleetsAreApart) {
  auto others = options();
  others.prefix = "other";
  test::Host c(loop, std::move(others));
  a.call.acquire(60s);
  c.call.acquire(60s);
  EXPECT_EQ(server.cli({"EXISTS", "other:{t}:updater"}), "1");
}

// A host whose wall clock is wrong, and can be set.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(const Clock& right) : right_(right) {}
  [[nodiscard]] WallTime wall_now() const override { return right_.wall_now() + wrong_by; }
  [[nodiscard]] BootTime boot_now() const override { return right_.boot_now(); }
  Milliseconds wrong_by{};

 private:
  const Clock& right_;
};

// Those of the loop, with another clock.
class WrongTimers final : public Timers {
 public:
  WrongTimers(Timers& right, const Clock& clock) : right_(right), clock_(clock) {}
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] Executor executor() override { return right_.executor(); }
  Id schedule(BootTime when, Callback callback) override { return right_.schedule(when, std::move(callback)); }
  bool cancel(Id id) override { return right_.cancel(id); }

 private:
  Timers& right_;
  const Clock& clock_;
};

struct WrongHost {
  WrongHost(test::VirtualLoop& l, RedisOptions options, Milliseconds wrong_by) : loop(l), clock(l.clock) {
    clock.wrong_by = wrong_by;
    coordinator = make_redis_backends(timers, loop.random, std::move(options)).coordinator;
    coordinator->start();
    call.emplace(loop, *coordinator);
  }
  // Ends what still uses its timers.
  ~WrongHost() {
    coordinator->stop();
    loop.pass(1s);
    coordinator.reset();
    loop.pass(1s);
  }
  test::VirtualLoop& loop;
  WrongClock clock;
  WrongTimers timers{loop.timers, clock};
  std::unique_ptr<Coordinator> coordinator;
  std::optional<test::Caller> call;
};

void expect_close(WallTime a, WallTime b) { EXPECT_LT(std::chrono::abs(a - b), 10ms); }

TEST_F(RedisFleet, HostClocksAreWrong_SameMomentIsMeant) {
  WrongHost early(loop, options(), -1h);
  WrongHost late(loop, options(), 2h);
  const Lease lease = early.call->acquire(60s);
  Record record = make_record(loop, lease.fence, "x");
  const WallTime truth = record.expires_at;
  record.issued_at -= 1h;
  record.expires_at -= 1h;  // as the early host sees it
  EXPECT_TRUE(early.call->publish(record, lease).stored);
  expect_close(a.call.load()->expires_at, truth);
  expect_close(early.call->load()->expires_at, truth - 1h);
  expect_close(late.call->load()->expires_at, truth + 2h);
  expect_close(from_unix_ms(std::stoll(server.cli({"HGET", token, "expires_at_ms"}))), truth);
  EXPECT_GT(early.coordinator->health().clock_offset, 59min);
  EXPECT_LT(late.coordinator->health().clock_offset, -119min);
  EXPECT_LT(std::chrono::abs(a.coordinator.health().clock_offset), 30s);
}

TEST_F(RedisFleet, HostClockSteps_IsMeasuredAnewAndToldAsAGap) {
  WrongHost host(loop, options(), 0ms);
  test::RecordingListener listener;
  host.coordinator->subscribe("t", &listener);
  ASSERT_TRUE(loop.turn_until([&] { return listener.gaps == 1; }));
  const Lease lease = a.call.acquire(60s);
  const Record record = make_record(loop, lease.fence, "x");
  a.call.publish(record, lease);
  host.clock.wrong_by = 3h;
  host.coordinator->clock_stepped();
  ASSERT_TRUE(loop.turn_until([&] { return listener.gaps == 2; }));
  expect_close(host.call->load()->expires_at, record.expires_at + 3h);
}

// As at the start of an agent with thousands of tokens, on a server that takes longer for all of them than a command
// may.
TEST_F(RedisFleet, ThousandsOfRecordsAreRead_NoneIsLateAndTheClockIsAskedForOnce) {
  constexpr int tokens = 3'000;
  loop.pass(1s);  // the other hosts have connected
  const std::uint64_t times_before = server.commands("TIME");
  test::Host c(loop, options(500ms));
  server.set_script_time(1ms);
  int read = 0;
  int failed = 0;
  for (int i = 0; i < tokens; ++i) {
    boost::asio::co_spawn(
        loop.timers.executor(), c.coordinator.load("t" + std::to_string(i)),
        [&](const std::exception_ptr& failure, const std::optional<Record>&) { ++(failure ? failed : read); });
  }
  EXPECT_TRUE(loop.turn_until([&] { return read + failed == tokens; }));
  EXPECT_EQ(failed, 0);
  EXPECT_LE(server.commands("TIME") - times_before, 6U) << "of the connection, and of the first load";
}

TEST_F(RedisFleet, ServerGoesAwayWhileRecordsAreRead_AllLoadsEndSoon) {
  test::Host c(loop, options(500ms));
  static_cast<void>(c.call.load());
  int ended = 0;
  const BootTime began = loop.clock.boot_now();
  server.freeze();
  for (int i = 0; i < 3'000; ++i) {
    boost::asio::co_spawn(loop.timers.executor(), c.coordinator.load("t" + std::to_string(i)),
                          [&](const std::exception_ptr&, const std::optional<Record>&) { ++ended; });
  }
  EXPECT_TRUE(loop.turn_until([&] { return ended == 3'000; }));
  EXPECT_LT(loop.clock.boot_now() - began, 5s);
  server.thaw();
}

}  // namespace
}  // namespace jeton::agent
