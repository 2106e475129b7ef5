#include "agent/base/event.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <memory>
#include <new>

#include "agent/base/error.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

struct EventTest : testing::Test {
  BootTime in(Duration d) { return loop.clock.boot_now() + d; }
  test::Loop loop;
};

TEST_F(EventTest, Notified_WakesEveryWaiter) {
  Event event(loop.timers);
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    boost::asio::co_spawn(
        loop.context,
        [&]() -> Task<> {
          const bool notified = co_await event.wait_until(in(hours(1)));
          if (notified) ++woken;
        },
        boost::asio::detached);
  }
  loop.context.poll();
  event.notify();
  EXPECT_TRUE(loop.turn_until([&] { return woken == 3; }));
}

TEST_F(EventTest, DeadlinePasses_WaitReturnsFalse) {
  Event event(loop.timers);
  EXPECT_FALSE(loop.run(event.wait_until(in(milliseconds(1)))));
}

TEST_F(EventTest, DeadlineIsInThePast_WaitEndsAtOnce) {
  Event event(loop.timers);
  EXPECT_FALSE(loop.run(event.wait_until(BootTime{})));
}

TEST_F(EventTest, WaitIsCancelled_ThrowsASystemError) {
  Event event(loop.timers);
  boost::asio::cancellation_signal cancel;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop.context, event.wait(),
                        boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { failure = e; }));
  loop.context.poll();
  cancel.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(loop.turn_until([&] { return failure != nullptr; }));
  EXPECT_THROW(std::rethrow_exception(failure), boost::system::system_error);
}

TEST_F(EventTest, EventIsDestroyed_WaitEndsWithAnError) {
  auto event = std::make_unique<Event>(loop.timers);
  bool ended = false;
  boost::asio::co_spawn(loop.context, event->wait(), [&](std::exception_ptr e) { ended = e != nullptr; });
  loop.context.poll();
  event.reset();
  EXPECT_TRUE(loop.turn_until([&] { return ended; }));
}

TEST_F(EventTest, WaiterWaitsAgain_IsNotWokenByTheSameNotification) {
  Event event(loop.timers);
  int rounds = 0;
  boost::asio::co_spawn(
      loop.context,
      [&]() -> Task<> {
        for (;;) {
          co_await event.wait();
          ++rounds;
        }
      },
      boost::asio::detached);
  loop.context.poll();
  event.notify();
  loop.context.restart();
  loop.context.poll();
  EXPECT_EQ(rounds, 1);
}

Task<> failing(std::exception_ptr failure) {
  std::rethrow_exception(failure);
  co_return;
}

TEST(StartedTask, Fails_ExceptionIsDropped) {
  test::Loop loop;
  start_task(loop.timers.executor(), failing(std::make_exception_ptr(Error("out of reach"))));
  EXPECT_NO_THROW(loop.context.poll());
}

TEST(StartedTask, GetsNoMemory_ExceptionLeavesTheLoop) {
  test::Loop loop;
  start_task(loop.timers.executor(), failing(std::make_exception_ptr(std::bad_alloc())));
  EXPECT_THROW(loop.context.poll(), std::bad_alloc);
}

}  // namespace
}  // namespace jeton::agent
