// Waiting for a lock (lock_wait.hpp). The numbers in brackets are those of the lock scenarios.
#include "agent/coordination/lock_wait.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/integration/coordination/redis_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

struct LockWait : test::RedisCoordination {
  AcquireResult wait(test::Host& host, Duration ttl, LockPatience patience) {
    return loop.run(wait_for_lock(host.coordinator, loop.timers, loop.random, never, "t", ttl, patience));
  }
  // A lease that is given back after a while.
  void hold_for(test::Host& host, Duration ttl, Duration duration) {
    boost::asio::co_spawn(loop.context, give_back(host.coordinator, loop.timers, host.call.acquire(ttl), duration),
                          boost::asio::detached);
  }
  static Task<> give_back(Coordinator& coordinator, Timers& timers, Lease lease, Duration duration) {
    co_await sleep_for(timers, duration);
    co_await coordinator.release("t", lease);
  }
  Event never{loop.timers};
};

class Bell final : public CoordinationListener {
 public:
  explicit Bell(Event& released) : released_(released) {}
  void on_record(Record) override {}
  void on_claim(BootTime) override {}
  void on_release() override { released_.notify(); }
  void on_pause(Pause) override {}
  void on_gap() override {}

 private:
  Event& released_;
};

// Reads, pauses and increments a number that nothing but the lock protects.
Task<> count(Coordinator& coordinator, test::Loop& loop, Event& released, int rounds, int& counter, int& ended) {
  for (int i = 0; i < rounds; ++i) {
    const LockPatience patience{120s, 5ms};
    AcquireResult result = co_await wait_for_lock(coordinator, loop.timers, loop.random, released, "t", 60s, patience);
    if (!result.lease) break;
    const int before = counter;
    co_await sleep_for(loop.timers, 100us);
    counter = before + 1;
    co_await coordinator.release("t", *result.lease);
  }
  ++ended;
}

TEST_F(LockWait, SixteenWorkersOfAHundredRoundsLoseNoIncrement) {  // [4]
  int counter = 0;
  int ended = 0;
  Event released{loop.timers};
  Bell bell(released);
  b.coordinator.subscribe("t", &bell);
  for (int i = 0; i < 16; ++i) {
    boost::asio::co_spawn(loop.context, count(a.coordinator, loop, released, 100, counter, ended),
                          boost::asio::detached);
  }
  ASSERT_TRUE(loop.turn_until([&] { return ended == 16; }, 120s));
  EXPECT_EQ(counter, 1600);
  b.coordinator.subscribe("t", nullptr);
}

TEST_F(LockWait, WaiterThatKnocksOftenEnoughWins) {  // [12]
  hold_for(a, 60s, 20ms);
  EXPECT_TRUE(wait(b, 60s, {20s, 20ms}).lease);
}

TEST_F(LockWait, WaiterWithoutPatienceForTheHolderIsBusy) {  // [12, 13]
  const Lease held = a.call.acquire(60min);
  EXPECT_FALSE(wait(b, 60s, {20ms, 5ms}).lease);
  EXPECT_EQ(value(), held.owner);
}

TEST_F(LockWait, RetryLongerThanTheWaitAnswersAtOnce) {  // [13]
  a.call.acquire(60min);
  const BootTime before = loop.clock.boot_now();
  EXPECT_FALSE(wait(b, 60s, {20s, 60min}).lease);
  EXPECT_LT(loop.clock.boot_now() - before, 20s) << "it slept though no further try was to come";
}

TEST_F(LockWait, ValidityCountsFromTheWinningTry) {  // [14]
  hold_for(a, 60s, 1500ms);
  const auto result = wait(b, 1s, {20s, 50ms});
  ASSERT_TRUE(result.lease);
  EXPECT_GT(result.lease->valid_until, loop.clock.boot_now());
  EXPECT_LE(result.lease->valid_until, loop.clock.boot_now() + 1s);
}

TEST_F(LockWait, WaiterIsWokenByTheReleaseAndNotByItsRetry) {
  const Lease held = a.call.acquire(60min);
  Event released{loop.timers};
  bool won = false;
  const auto waiting = [](Coordinator& coordinator, test::Loop& l, Event& bell, bool& done) -> Task<> {
    const LockPatience patience{10min, 9min};
    const AcquireResult result = co_await wait_for_lock(coordinator, l.timers, l.random, bell, "t", 60s, patience);
    done = result.lease.has_value();
  };
  boost::asio::co_spawn(loop.context, waiting(b.coordinator, loop, released, won), boost::asio::detached);
  loop.turn_until([&] { return won; }, 200ms);  // it has tried and sleeps
  a.call.release(held);
  released.notify();
  EXPECT_TRUE(loop.turn_until([&] { return won; }));
}

TEST_F(LockWait, AnAbsentServerIsAnErrorAndNotBusy) {
  test::Host host(loop, impatient());
  server.kill();
  EXPECT_THROW(wait(host, 60s, {0s, 10ms}), TransportError);
}

}  // namespace
}  // namespace jeton::agent
