// The loop in virtual time: how time passes, and what becomes of a task that a test does not wait for any longer.
#include "tests/support/virtual_loop.hpp"

#include <gmock/gmock.h>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "agent/base/event.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;
using agent::Task;

TEST(VirtualLoop, TimePasses_TimersRunInTheirOrderAtTheirTimes) {
  VirtualLoop loop;
  const agent::BootTime begun = loop.clock.boot_now();
  std::vector<agent::Duration> ran;
  for (const agent::Duration at : {agent::Duration{2h}, agent::Duration{1ms}, agent::Duration{1h}}) {
    loop.timers.schedule(begun + at, [&] { ran.push_back(loop.clock.boot_now() - begun); });
  }
  loop.pass(90min);
  EXPECT_THAT(ran, testing::ElementsAre(agent::Duration{1ms}, agent::Duration{1h}));
  EXPECT_EQ(loop.clock.boot_now() - begun, agent::Duration{90min});
}

TEST(VirtualLoop, ConditionHolds_TimeStopsThere) {
  VirtualLoop loop;
  const agent::BootTime begun = loop.clock.boot_now();
  bool ran = false;
  loop.timers.schedule(begun + 3s, [&] { ran = true; });
  EXPECT_TRUE(loop.turn_until([&] { return ran; }, 1h));
  EXPECT_EQ(loop.clock.boot_now() - begun, agent::Duration{3s});
}

TEST(VirtualLoop, ConditionDoesNotHold_LimitPassesAndNoMore) {
  VirtualLoop loop;
  const agent::BootTime begun = loop.clock.boot_now();
  loop.timers.schedule(begun + 3s, [] {});
  EXPECT_FALSE(loop.turn_until([] { return false; }, 2s));
  EXPECT_EQ(loop.clock.boot_now() - begun, agent::Duration{2s});
}

TEST(VirtualLoop, SameSeed_SameChance) {
  VirtualLoop one;
  VirtualLoop other;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(one.random.hex(8), other.random.hex(8));
}

TEST(VirtualLoop, TaskThrows_RunThrowsIt) {
  VirtualLoop loop;
  const auto failing = []() -> Task<int> {
    throw std::invalid_argument("why");
    co_return 1;
  };
  EXPECT_THROW(loop.run(failing()), std::invalid_argument);
}

// Says when a coroutine is gone, with all that it could write to.
struct Trace {
  bool& gone;
  ~Trace() { gone = true; }
};

TEST(VirtualLoop, TaskDoesNotEnd_IsCancelledAndGoneBeforeTheTestGoesOn) {
  VirtualLoop loop;
  agent::Event never(loop.timers);
  bool gone = false;
  const auto wait_for_ever = [&]() -> Task<int> {
    const Trace trace{gone};
    co_await never.wait();
    co_return 1;
  };
  EXPECT_THROW(loop.run(wait_for_ever()), std::runtime_error);
  EXPECT_TRUE(gone);
}

// Goes on for so long when it is cancelled, as a fetch does that must not be lost.
Task<> wait_and_tidy_up(VirtualLoop& loop, agent::Duration tidying, bool& gone) {
  const Trace trace{gone};
  agent::Event never(loop.timers);
  try {
    co_await never.wait();
  } catch (const boost::system::system_error&) {
    // Cancelled.
  }
  co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  co_await agent::sleep_for(loop.timers, tidying);
}

TEST(VirtualLoop, CancelledTaskNeedsTime_HasIt) {
  VirtualLoop loop;
  bool gone = false;
  EXPECT_THROW(loop.run(wait_and_tidy_up(loop, 10s, gone)), std::runtime_error);
  EXPECT_TRUE(gone);
}

TEST(VirtualLoopDeathTest, CancelledTaskDoesNotEnd_EndsTheProcess) {
  VirtualLoop loop;
  bool gone = false;
  EXPECT_DEATH(loop.run(wait_and_tidy_up(loop, 2 * patience, gone)), "not even when it was cancelled");
}

}  // namespace
}  // namespace jeton::test
