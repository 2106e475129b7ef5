// Timers::burst: what goes on without a turn of the loop.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "agent/base/event.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent {
namespace {

struct Burst : testing::Test {
  // Appends the letter each time it is woken, and then does `more`.
  void start_waiter(
      Event& event, char letter, std::function<void()> more = [] {}) {
    const auto waiter = [](Burst& test, Event& on, char name, std::function<void()> then) -> Task<> {
      for (;;) {
        co_await on.wait();
        test.order += name;
        then();
      }
    };
    boost::asio::co_spawn(loop.context, waiter(*this, event, letter, std::move(more)), boost::asio::detached);
    turn();
  }
  // In a handler of the loop, where bursts are.
  void on_loop(std::function<void()> work) {
    boost::asio::post(loop.context, std::move(work));
    turn();
  }
  void turn() {
    loop.context.restart();
    loop.context.poll();
  }

  test::Loop loop;
  std::string order;
};

// The coroutines of a loop that has no memory for them.
class TimersWithoutMemory final : public Timers {
 public:
  explicit TimersWithoutMemory(Timers& real) : real_(real) {}
  [[nodiscard]] const Clock& clock() const override { return real_.clock(); }
  [[nodiscard]] Executor executor() override { return real_.executor(); }
  Id schedule(BootTime when, Callback callback) override { return real_.schedule(when, std::move(callback)); }
  bool cancel(Id id) override { return real_.cancel(id); }

  void resume_one() {
    resume_in_burst([] { throw std::bad_alloc(); });
  }

 private:
  Timers& real_;
};

TEST_F(Burst, CoroutineIsNotified_GoesOnBehindTheStepAndBeforeTheEnd) {
  Event event(loop.timers);
  start_waiter(event, 'w');
  on_loop([&] {
    loop.timers.burst([&] {
      event.notify();
      order += 's';
    });
    order += 'e';
  });
  EXPECT_EQ(order, "swe");
}

TEST_F(Burst, CoroutineNotifiesAnother_BothGoOnInTheirOrder) {
  Event first(loop.timers);
  Event second(loop.timers);
  Event third(loop.timers);
  start_waiter(first, '1', [&] { third.notify(); });
  start_waiter(second, '2');
  start_waiter(third, '3');
  on_loop([&] {
    loop.timers.burst([&] {
      first.notify();
      second.notify();
    });
    order += 'e';
  });
  EXPECT_EQ(order, "123e");
}

TEST_F(Burst, IsInAnother_EndsWithTheOuterOne) {
  Event event(loop.timers);
  start_waiter(event, 'w');
  on_loop([&] {
    loop.timers.burst([&] {
      loop.timers.burst([&] { event.notify(); });
      order += 's';
    });
  });
  EXPECT_EQ(order, "sw");
}

TEST_F(Burst, StepThrows_CoroutineGoesOnAndItIsThrown) {
  Event event(loop.timers);
  start_waiter(event, 'w');
  on_loop([&] {
    EXPECT_THROW(loop.timers.burst([&] {
      event.notify();
      throw std::runtime_error("the step");
    }),
                 std::runtime_error);
    order += 'e';
  });
  EXPECT_EQ(order, "we");
  order.clear();
  on_loop([&] { event.notify(); });
  EXPECT_EQ(order, "w") << "the burst is over";
}

TEST_F(Burst, CoroutineThrows_LeavesTheLoopAndNotTheBurst) {
  Event event(loop.timers);
  const auto failing = [](Event& on) -> Task<> {
    co_await on.wait();
    throw std::runtime_error("the coroutine");
  };
  boost::asio::co_spawn(loop.context, failing(event), [](const std::exception_ptr& e) { std::rethrow_exception(e); });
  turn();
  boost::asio::post(loop.context, [&] {
    loop.timers.burst([&] { event.notify(); });
    order += 'e';
  });
  EXPECT_THROW(turn(), std::runtime_error);
  EXPECT_EQ(order, "e");
}

TEST_F(Burst, IsOutsideOfTheLoop_CoroutineGoesOnInTheLoop) {
  Event event(loop.timers);
  start_waiter(event, 'w');
  loop.timers.burst([&] { event.notify(); });
  EXPECT_EQ(order, "");
  turn();
  EXPECT_EQ(order, "w");
}

TEST_F(Burst, CoroutinesWakeEachOtherWithoutEnd_OtherWorkHasItsTurn) {
  Event ping(loop.timers);
  Event pong(loop.timers);
  bool over = false;
  start_waiter(ping, '.', [&] {
    if (!over) pong.notify();
  });
  start_waiter(pong, '.', [&] { ping.notify(); });
  boost::asio::post(loop.context, [&] { loop.timers.burst([&] { ping.notify(); }); });
  boost::asio::post(loop.context, [&] { over = true; });
  turn();
  EXPECT_TRUE(over);
}

TEST(BurstDeathTest, MemoryIsShort_EndsTheProcess) {
  test::Loop loop;
  TimersWithoutMemory timers(loop.timers);
  EXPECT_DEATH(timers.burst([&] { timers.resume_one(); }), "bad_alloc");
}

}  // namespace
}  // namespace jeton::agent
