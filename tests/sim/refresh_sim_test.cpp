// The refresh loop in a modelled fleet. Every test prints its seed on failure; JETON_SIM_SEED chooses another.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/model.hpp"

namespace jeton::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::uint64_t seed() {
  const char* chosen = std::getenv("JETON_SIM_SEED");
  return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 20261120;
}

#define TRACE_SEED(value) SCOPED_TRACE("JETON_SIM_SEED=" + std::to_string(value))

TEST(RefreshSim, AFleetFetchesOncePerLifetime) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 50);
  fleet.start_all();
  fleet.timers.run_for(minutes(10) * 100);
  // A token of 10 minutes is refreshed 2 minutes and up to 30 s of spread before its end: after 7.5 to 8 minutes.
  EXPECT_GE(fleet.provider.calls, 1000U / 8);
  EXPECT_LE(fleet.provider.calls, 1 + 1000U * 2 / 15);
  EXPECT_EQ(fleet.provider.calls, fleet.provider.issued);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_TRUE(fleet.all_hold(fleet.redis.record->generation));
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(RefreshSim, AColdStartOfTheWholeFleetIsOneFetch) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 1000);
  fleet.start_all();
  fleet.timers.run_for(seconds(5));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RefreshSim, ARestartWithinTheLifetimeFetchesNothing) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 20);
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  for (int i = 0; i < 20; ++i) fleet.stop(i);
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  EXPECT_EQ(fleet.provider.calls, 1U);
}

TEST(RefreshSim, AnUpdaterThatDiesInMidFetchIsReplacedWithinOneTtl) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 5);
  fleet.provider.answer_time = seconds(5);
  fleet.start_all();
  ASSERT_TRUE(
      fleet.timers.run_until(fleet.timers.clock().boot_now() + minutes(1), [&] { return fleet.provider.calls == 1; }));
  const BootTime died = fleet.timers.clock().boot_now();
  for (int i = 0; i < 5; ++i) {  // whoever holds the lock is among them: the others are restarted at once
    fleet.crash(i);
    fleet.start(i);
  }
  ASSERT_TRUE(fleet.timers.run_until(died + minutes(1), [&] { return fleet.provider.calls == 2; }));
  EXPECT_LE(fleet.timers.clock().boot_now() - died, seconds(15) + seconds(3));
  fleet.timers.run_for(minutes(1));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(RefreshSim, WithoutTheCoordinatorNobodyFetchesAndAfterItsReturnOneDoes) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 10);
  fleet.start_all();
  fleet.timers.run_for(minutes(5));
  fleet.redis.up = false;
  fleet.timers.run_for(minutes(4));  // the grace period begins and nobody can take the lock
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_valid());
  fleet.redis.reconnect_all();
  fleet.timers.run_for(seconds(10));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.all_hold(fleet.redis.record->generation));
}

TEST(RefreshSim, ACoordinatorThatLostItsDataGetsTheRecordBackWithoutAFetch) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 10);
  fleet.start_all();
  fleet.timers.run_for(minutes(2));
  const Generation before = fleet.redis.record->generation;
  fleet.redis.up = false;
  fleet.timers.run_for(seconds(10));
  fleet.redis.lose_data();
  fleet.redis.reconnect_all();
  fleet.timers.run_for(seconds(5));
  ASSERT_TRUE(fleet.redis.record);
  EXPECT_EQ(fleet.redis.record->generation, before);
  EXPECT_EQ(fleet.provider.calls, 1U);
}

// The counter was ahead (a server whose clock was), then lost, while the token ran out: the next one must still be
// higher.
TEST(RefreshSim, AFenceBelowTheHeldGenerationCostsOneFetchNotAHotLoop) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 5);
  fleet.redis.last_fence = 4'000'000'000'000'000;
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  fleet.redis.up = false;
  fleet.timers.run_for(minutes(15));
  fleet.redis.lose_data();
  fleet.redis.reconnect_all();
  fleet.timers.run_for(minutes(2));
  EXPECT_EQ(fleet.provider.calls, 2U);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.went_back(), 0U);
}

TEST(RefreshSim, ABrokenProviderIsNotHammeredAndTheTokenIsKept) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 20);
  fleet.start_all();
  fleet.timers.run_for(minutes(7));
  fleet.provider.mood = ModelProvider::Mood::broken;
  const auto before = fleet.provider.calls;
  fleet.timers.run_for(minutes(2));
  EXPECT_TRUE(fleet.all_valid());
  const auto calls = fleet.provider.calls - before;
  EXPECT_GE(calls, 2U);
  EXPECT_LE(calls, 20U);  // the backoff is the fleet's, not each agent's own
  fleet.timers.run_for(minutes(60));
  // Full jitter of at most 60 s: two a minute on average; a hot loop would be thousands.
  EXPECT_LE(fleet.provider.calls - before, 300U);
  EXPECT_FALSE(fleet.all_valid());
  EXPECT_TRUE(fleet.stores.front()->expired);
  fleet.provider.mood = ModelProvider::Mood::well;
  fleet.timers.run_for(minutes(2));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RefreshSim, APermanentRefusalIsTriedEveryFewMinutesOnly) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 20);
  fleet.provider.mood = ModelProvider::Mood::refusing;
  fleet.start_all();
  fleet.timers.run_for(minutes(60));
  EXPECT_GE(fleet.provider.calls, 8U);
  EXPECT_LE(fleet.provider.calls, 13U);
}

TEST(RefreshSim, AForwardStepOfTheWallClockIsARefreshAtOnce) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 5);
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  fleet.step_clocks(std::chrono::hours(1));
  fleet.timers.run_for(seconds(5));
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.provider.calls, 2U);
}

TEST(RefreshSim, AForwardStepThatNobodyAnnouncesIsFoundInTheEnd) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 1);
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  fleet.timers.virtual_clock().wall_offset = std::chrono::hours(1);
  fleet.timers.run_for(minutes(10));
  EXPECT_TRUE(fleet.all_valid());
}

TEST(RefreshSim, ABackwardStepOfTheWallClockFetchesNothingBeforeItsTime) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 5);
  fleet.start_all();
  fleet.timers.run_for(minutes(1));
  fleet.step_clocks(-std::chrono::minutes(30));
  fleet.timers.run_for(minutes(5));
  EXPECT_EQ(fleet.provider.calls, 1U);
  EXPECT_TRUE(fleet.all_valid());
  EXPECT_EQ(fleet.went_back(), 0U);
}

// The lock is lost in mid-fetch, another agent publishes, and the first hears of it before its own answer comes: what
// it brings belongs to the older lease and must not replace the newer token.
TEST(RefreshSim, WhatALostLeaseFetchesDoesNotReplaceTheNewerToken) {
  TRACE_SEED(seed());
  Fleet fleet(seed(), 5);
  fleet.provider.answer_time = minutes(2);
  fleet.start_all();
  ASSERT_TRUE(
      fleet.timers.run_until(fleet.timers.clock().boot_now() + minutes(1), [&] { return fleet.provider.calls == 1; }));
  fleet.provider.answer_time = milliseconds(200);
  fleet.redis.lock.reset();
  ASSERT_TRUE(
      fleet.timers.run_until(fleet.timers.clock().boot_now() + minutes(1), [&] { return fleet.provider.issued == 1; }));
  fleet.timers.run_for(seconds(1));
  ASSERT_TRUE(fleet.redis.record);
  const Generation newer = fleet.redis.record->generation;
  fleet.timers.run_for(minutes(3));
  EXPECT_EQ(fleet.provider.issued, 2U) << "the slow answer did not come";
  EXPECT_EQ(fleet.publications_refused(), 1U);
  EXPECT_TRUE(fleet.all_hold(newer));
  EXPECT_EQ(fleet.went_back(), 0U);
}

// Agents that stop, crash and start, a Redis that goes and comes and forgets, a provider with moods: whatever the
// order, no segment goes back, and when all is well again every host has the fleet's token.
TEST(RefreshSim, NothingGoesBackInAnyOfManyRandomHistories) {
  for (std::uint64_t round = 0; round < 30; ++round) {
    const std::uint64_t s = seed() + round;
    TRACE_SEED(s);
    Fleet fleet(s, 8);
    fleet.provider.lifetime = minutes(1);
    fleet.start_all();
    SeededRandom dice(s ^ 0x5eedU);
    for (int step = 0; step < 60; ++step) {
      const int agent = static_cast<int>(8 * dice.uniform());
      const double what = dice.uniform();
      if (what < 0.2) {
        fleet.crash(agent);
        fleet.start(agent);
      } else if (what < 0.4) {
        fleet.stop(agent);
        fleet.start(agent);
      } else if (what < 0.5) {
        fleet.redis.up = false;
      } else if (what < 0.7) {
        fleet.redis.reconnect_all();
      } else if (what < 0.75) {
        fleet.redis.lose_data();
      } else if (what < 0.85) {
        fleet.provider.mood = ModelProvider::Mood::broken;
      } else {
        fleet.provider.mood = ModelProvider::Mood::well;
      }
      fleet.timers.run_for(milliseconds(static_cast<int>(20'000 * dice.uniform())));
      ASSERT_EQ(fleet.went_back(), 0U);
    }
    fleet.provider.mood = ModelProvider::Mood::well;
    fleet.redis.reconnect_all();
    fleet.timers.run_for(minutes(5));
    ASSERT_TRUE(fleet.all_valid());
    ASSERT_TRUE(fleet.all_hold(fleet.redis.record->generation));
  }
}

}  // namespace
}  // namespace jeton::sim
