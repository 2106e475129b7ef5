// Acquisitions and renewals that are cut short while the server works on them. The numbers in brackets are those of the
// lock scenarios.
#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "agent/base/error.hpp"
#include "tests/virtual/fleet/virtual_redis.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

class RedisLockInFlight : public test::VirtualRedis {
 protected:
  // Connected, clock known, script known to the server: the next thing that is sent is the acquisition itself.
  void warm_up(test::Host& host) {
    host.call.release(host.call.acquire(60s));
    fence_before_ = server.cli({"GET", fence});
  }
  [[nodiscard]] bool acquisition_reached_the_server() const { return server.cli({"GET", fence}) != fence_before_; }

  // Nothing renews or creates the lock any more: it stays away while we look.
  void expect_lock_stays_free() {
    EXPECT_TRUE(loop.turn_until([&] { return !exists(updater); }));
    loop.pass(300ms);
    EXPECT_FALSE(exists(updater));
  }

 private:
  std::string fence_before_;
};

TEST_F(RedisLockInFlight, ReleasedWhileRenewing_LeavesNoKey) {  // [19]
  for (int round = 0; round < 20; ++round) {
    Lease lease = a.call.acquire(60s);
    bool renewal_ended = false;
    const auto renewal = [&]() -> Task<> {
      const std::string name = "t";
      static_cast<void>(co_await a.coordinator.renew(name, lease));
      renewal_ended = true;
    };
    const Lease released = lease;
    boost::asio::co_spawn(loop.context, renewal(), [](const std::exception_ptr& e) { EXPECT_FALSE(e); });
    a.call.release(released);
    ASSERT_TRUE(loop.turn_until([&] { return renewal_ended; }));
    EXPECT_FALSE(exists(updater));
  }
}

TEST_F(RedisLockInFlight, CancelledHalfWay_LeavesNoKey) {  // [19]
  warm_up(a);
  server.freeze();
  boost::asio::cancellation_signal cancel;
  bool aborted = false;
  bool ended = false;
  const auto acquisition = [&]() -> Task<> {
    const std::string name = "t";
    try {
      static_cast<void>(co_await a.coordinator.try_acquire(name, 1h));
    } catch (const boost::system::system_error&) {
      aborted = true;
    }
  };
  boost::asio::co_spawn(
      loop.context, acquisition(),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended = true; }));
  loop.pass(50ms);  // it is in the server's socket now
  cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop.turn_until([&] { return ended; }));
  EXPECT_TRUE(aborted);
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] { return acquisition_reached_the_server(); }));
  expect_lock_stays_free();
}

TEST_F(RedisLockInFlight, CancelledAtTheEndOfTheAgent_LeavesNoKey) {  // [15, 19]
  warm_up(a);
  boost::asio::cancellation_signal cancel;
  bool ended = false;
  const auto acquisition = [&]() -> Task<> {
    const std::string name = "t";
    static_cast<void>(co_await a.coordinator.try_acquire(name, 1h));
  };
  boost::asio::co_spawn(
      loop.context, acquisition(),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended = true; }));
  boost::asio::post(loop.context, [&] { cancel.emit(boost::asio::cancellation_type::terminal); });
  ASSERT_TRUE(loop.turn_until([&] { return ended; }));
  a.coordinator.stop();
  expect_lock_stays_free();
}

TEST_F(RedisLockInFlight, AnswerWasLost_IsTakenBack) {  // [23]
  test::Host host(loop, impatient());
  warm_up(host);
  server.freeze();
  EXPECT_THROW(host.call.try_acquire(1h), TransportError);
  server.thaw();
  EXPECT_TRUE(loop.turn_until([&] { return acquisition_reached_the_server(); }));
  expect_lock_stays_free();
}

// A failover behind one name: the server is a replica for a while, or has none, and loads its data.
TEST_F(RedisLockInFlight, AnswerWasLostAndTheServerTakesNoWritesForAWhile_IsTakenBackBehindThat) {
  for (const std::string error :
       {"READONLY You can't write against a read only replica.", "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Redis is configured to save RDB snapshots, but it cannot."}) {
    test::Host host(loop, impatient());
    warm_up(host);
    server.freeze();
    EXPECT_THROW(host.call.try_acquire(1h), TransportError);
    server.thaw();
    ASSERT_TRUE(loop.turn_until([&] { return acquisition_reached_the_server(); }));
    server.refuse("DEL", error);
    loop.pass(10s);
    EXPECT_TRUE(exists(updater)) << error;
    server.refuse("DEL", "");
    loop.pass(10s);
    EXPECT_FALSE(exists(updater)) << error;
    server.cli({"DEL", updater});
  }
}

}  // namespace
}  // namespace jeton::agent
