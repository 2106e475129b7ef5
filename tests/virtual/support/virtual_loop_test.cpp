// The loop in virtual time: how time passes, and what becomes of a task that a test does not wait for any longer.
#include "tests/support/virtual_loop.hpp"

#include <gmock/gmock.h>

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

// Notifies when it is over.
Task<std::shared_ptr<int>> late(agent::Event& go, std::weak_ptr<int>& made) {
  co_await go.wait();
  auto result = std::make_shared<int>(7);
  made = result;
  co_return result;
}

TEST(VirtualLoop, TaskIsGivenUp_ItsLateResultGoesNowhere) {
  VirtualLoop loop;
  agent::Event go(loop.timers);
  std::weak_ptr<int> made;
  EXPECT_THROW(static_cast<void>(loop.run(late(go, made))), std::runtime_error);
  EXPECT_EQ(made.use_count(), 0);
  bool over = false;
  loop.timers.schedule(loop.clock.boot_now() + 1s, [&] { over = true; });
  go.notify();
  EXPECT_TRUE(loop.turn_until([&] { return over; }));
  EXPECT_TRUE(made.expired());
  const std::weak_ptr<int> never;
  EXPECT_TRUE(made.owner_before(never) || never.owner_before(made)) << "the task did not go on: nothing was tested";
}

}  // namespace
}  // namespace jeton::test
