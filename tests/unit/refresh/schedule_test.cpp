#include "agent/refresh/schedule.hpp"

#include <gtest/gtest.h>

#include "agent/base/random.hpp"

namespace jeton::agent {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct ScheduleTest : testing::Test {
  Schedule make(Milliseconds lifetime, RefreshConfig config = {}) {
    return make_schedule(issued, issued + lifetime, config, random);
  }
  OsRandom random;
  WallTime issued = from_unix_ms(1'800'000'000'000);
};

TEST_F(ScheduleTest, LifetimeIsShort_DefaultGraceIsAFifth) {
  EXPECT_EQ(make(seconds(5)).grace, seconds(1));
  EXPECT_EQ(make(minutes(10)).grace, minutes(2));
}

TEST_F(ScheduleTest, LifetimeIsLong_DefaultGraceIsFiveMinutes) {
  EXPECT_EQ(make(hours(2)).grace, minutes(5));
  EXPECT_EQ(make(hours(24 * 365)).grace, minutes(5));
}

TEST_F(ScheduleTest, SpreadIsNotSet_IsAQuarterOfTheGraceUpToTenSeconds) {
  EXPECT_EQ(make(seconds(5)).spread, milliseconds(250));
  EXPECT_EQ(make(hours(2)).spread, seconds(10));
}

TEST_F(ScheduleTest, ScheduleIsMade_RefreshIsBeforeTheGraceByTheSpreadDelay) {
  for (int i = 0; i < 1000; ++i) {
    const Schedule schedule = make(hours(2));
    EXPECT_GE(schedule.spread_delay, milliseconds(0));
    EXPECT_LE(schedule.spread_delay, schedule.spread);
    EXPECT_EQ(schedule.refresh_at, issued + hours(2) - schedule.grace - schedule.spread_delay);
  }
}

TEST_F(ScheduleTest, GraceIsOverHalfTheLifetime_IsCutToHalf) {
  RefreshConfig config;
  config.grace = hours(1);
  config.spread = hours(1);
  const Schedule schedule = make(minutes(10), config);
  EXPECT_EQ(schedule.grace, minutes(5));
  EXPECT_GE(schedule.refresh_at, issued + milliseconds(minutes(10)) / 4);
}

TEST_F(ScheduleTest, GraceAndSpreadAreSet_AreTaken) {
  RefreshConfig config;
  config.grace = minutes(3);
  config.spread = seconds(7);
  const Schedule schedule = make(hours(2), config);
  EXPECT_EQ(schedule.grace, minutes(3));
  EXPECT_EQ(schedule.spread, seconds(7));
}

// Of 1000 agents only a few draw an early moment: those the claim of the first then holds back.
TEST_F(ScheduleTest, ManyDelaysAreDrawn_DensityRisesExponentially) {
  int first_half = 0;
  int last_tenth = 0;
  constexpr int draws = 100'000;
  for (int i = 0; i < draws; ++i) {
    const Duration delay = draw_suppressed_delay(seconds(10), random);
    ASSERT_GE(delay, seconds(0));
    ASSERT_LE(delay, seconds(10));
    first_half += delay < seconds(5) ? 1 : 0;
    last_tenth += delay > seconds(9) ? 1 : 0;
  }
  // F(1/2) = (e^5 - 1) / (e^10 - 1) = 0.67 %; 1 - F(9/10) = 63.2 %.
  EXPECT_NEAR(first_half / double{draws}, 0.0067, 0.002);
  EXPECT_NEAR(last_tenth / double{draws}, 0.632, 0.02);
}

// Of a token with a grace period of five minutes: max is one minute, permanent five, retry_after_max an hour.
Milliseconds obeyed(Milliseconds asked, std::optional<Milliseconds> left, Milliseconds grace = minutes(5)) {
  return obeyed_retry_after(asked, left, grace, RefreshConfig{});
}

TEST(ObeyedRetryAfter, EndsBeforeTheExpiry_IsKept) {
  EXPECT_EQ(obeyed(seconds(30), minutes(5)), seconds(30));
  EXPECT_EQ(obeyed(minutes(40), hours(2)), minutes(40));
  EXPECT_EQ(obeyed(milliseconds(0), minutes(5)), milliseconds(0));
}

TEST(ObeyedRetryAfter, ThereIsNoToken_IsKeptUpToTheMaximum) {
  EXPECT_EQ(obeyed(minutes(20), {}), minutes(20));
  EXPECT_EQ(obeyed(hours(24), {}), hours(1));
}

TEST(ObeyedRetryAfter, TokenRunsOutMeanwhile_LeavesRoomForATry) {
  EXPECT_EQ(obeyed(hours(24), minutes(5)), minutes(4));
  EXPECT_EQ(obeyed(hours(24), seconds(12), seconds(12)), seconds(6)) << "half of a short grace period";
  EXPECT_EQ(obeyed(hours(24), milliseconds(60'001)), seconds(30)) << "not at once";
}

TEST(ObeyedRetryAfter, TokenRunsOutSoonOrHas_IsKeptLongerAndLonger) {
  EXPECT_EQ(obeyed(hours(24), minutes(1)), minutes(5));
  EXPECT_EQ(obeyed(hours(24), minutes(-1)), minutes(5));
  EXPECT_EQ(obeyed(hours(24), minutes(-20)), minutes(20));
  EXPECT_EQ(obeyed(hours(24), hours(-300 * 365 * 24)), hours(1));
  EXPECT_EQ(obeyed(minutes(3), minutes(-20)), minutes(3));
}

}  // namespace
}  // namespace jeton::agent
