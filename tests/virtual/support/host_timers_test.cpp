// The time of one host among several: it may drift, step and stand still.
#include "tests/support/host_timers.hpp"

#include <gmock/gmock.h>

#include "tests/support/virtual_loop.hpp"

namespace jeton::test {
namespace {

using namespace std::chrono_literals;
using agent::BootTime;
using agent::Duration;
using testing::ElementsAre;

class HostTime : public testing::Test {
 protected:
  // Each due in so much of the host's time.
  void schedule(std::initializer_list<Duration> times) {
    for (const Duration left : times) {
      host.schedule(host.clock().boot_now() + left, [this, left] {
        ran.push_back(left);
        EXPECT_GE(host.clock().boot_now(), due(left));
        in_world.push_back(loop.clock.boot_now() - begun);
      });
    }
  }
  [[nodiscard]] BootTime due(Duration left) const { return begun + left; }

  VirtualLoop loop;
  HostTimers host{loop.timers};
  BootTime begun = loop.clock.boot_now();
  std::vector<Duration> ran;
  std::vector<Duration> in_world;
};

TEST_F(HostTime, NothingIsSet_IsThatOfTheWorld) {
  schedule({3s, 1s});
  loop.pass(10s);
  EXPECT_THAT(in_world, ElementsAre(Duration{1s}, Duration{3s}));
  EXPECT_EQ(host.clock().boot_now(), loop.clock.boot_now());
  EXPECT_EQ(host.clock().wall_now(), loop.clock.wall_now());
}

TEST_F(HostTime, RunsFaster_TimersAreDueEarlierAndBothClocksAreAhead) {
  schedule({1005s, 100s});
  loop.pass(50s);
  host.set_rate(5'000);
  loop.pass(950s);
  EXPECT_THAT(ran, ElementsAre(Duration{100s}));
  EXPECT_EQ(host.clock().boot_now() - loop.clock.boot_now(), Duration{4'750ms});
  EXPECT_EQ(host.clock().wall_now() - loop.clock.wall_now(), 4'750ms);
  loop.pass(250ms);
  EXPECT_THAT(ran, ElementsAre(Duration{100s}, Duration{1005s}));
}

TEST_F(HostTime, RunsSlower_NoTimerIsEarly) {
  host.set_rate(-3'333);
  schedule({1ns, 1us, 7ms, 13s, 999s});
  loop.pass(1000s);
  EXPECT_EQ(ran.size(), 4U);
  loop.pass(3s);
  EXPECT_EQ(ran.size(), 5U);
}

TEST_F(HostTime, DriftIsOver_BootClockStaysAheadAndAStepSetsTheWallClockRight) {
  host.set_rate(5'000);
  loop.pass(100s);
  host.set_rate(0);
  host.set_wall_offset(0ms);
  loop.pass(100s);
  EXPECT_EQ(host.clock().boot_now() - loop.clock.boot_now(), Duration{500ms});
  EXPECT_EQ(host.clock().wall_now(), loop.clock.wall_now());
}

TEST_F(HostTime, RateChanges_TimersOfOneMomentKeepTheirOrder) {
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) host.schedule(begun + 10s, [&order, i] { order.push_back(i); });
  host.set_rate(1'000);
  loop.pass(10s);
  ASSERT_EQ(order.size(), 20U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(HostTime, NeverIsScheduled_IsNotDue) {
  host.set_rate(-5'000);
  loop.pass(100s);
  host.schedule(BootTime::max(), [this] { ran.emplace_back(); });
  host.set_rate(5'000);
  loop.pass(std::chrono::hours(24 * 365));
  EXPECT_THAT(ran, ElementsAre());
}

TEST_F(HostTime, MomentOfTheHost_IsKnownInTheWorld) {
  host.set_rate(5'000);
  loop.pass(100s);
  const BootTime when = host.clock().boot_now() + 1005ms;
  const Duration left = host.in_world(when) - loop.clock.boot_now();
  EXPECT_GE(left, Duration{1s});
  EXPECT_LE(left, Duration{1s} + 10ns);
}

TEST_F(HostTime, StandsStillWhileItDrifts_WhatBecameDueIsCalledAfterwards) {
  schedule({1s, 20s});
  host.stop();
  loop.pass(5s);
  host.set_rate(5'000);
  loop.pass(5s);
  EXPECT_THAT(ran, ElementsAre());
  host.go_on();
  EXPECT_THAT(ran, ElementsAre(Duration{1s}));
  loop.pass(10s);
  EXPECT_THAT(ran, ElementsAre(Duration{1s}, Duration{20s}));
}

}  // namespace
}  // namespace jeton::test
