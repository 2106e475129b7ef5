#include <gtest/gtest.h>

#include "agent/fleet/redis/server_clock.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

// A coordinator that is `ahead` of us, asked over a network whose ways there and back take that long.
ClockOffset::Sample sample(std::chrono::microseconds ahead, Duration there, Duration back) {
  const WallTime wall = from_unix_ms(1'790'000'000'000);
  const BootTime boot{1h};
  ClockOffset::Sample s;
  s.wall_before = wall;
  s.sent_at = boot;
  s.coordinator_time = std::chrono::sys_time<std::chrono::microseconds>(wall) + ahead +
                       std::chrono::duration_cast<std::chrono::microseconds>(there);
  s.received_at = boot + there + back;
  return s;
}

TEST(ClockOffset, NotMeasuredOrForgotten_IsUnknown) {
  ClockOffset clock;
  EXPECT_FALSE(clock.known());
  EXPECT_EQ(clock.offset(), 0ms);
  clock.adopt(sample(0ms, 1ms, 1ms));
  EXPECT_TRUE(clock.known());
  clock.forget();
  EXPECT_FALSE(clock.known());
}

TEST(ClockOffset, CoordinatorIsAheadOrBehind_OffsetIsMeasured) {
  ClockOffset clock;
  EXPECT_TRUE(clock.adopt(sample(1h, 1ms, 1ms)));
  EXPECT_NEAR(static_cast<double>(clock.offset().count()), 3'600'000, 1);
  EXPECT_TRUE(clock.adopt(sample(-90s, 1ms, 1ms)));
  EXPECT_NEAR(static_cast<double>(clock.offset().count()), -90'000, 1);
}

TEST(ClockOffset, DifferenceIsWithinTheRoundTrip_OffsetIsZero) {
  ClockOffset clock;
  EXPECT_FALSE(clock.adopt(sample(4ms, 5ms, 5ms)));
  EXPECT_EQ(clock.offset(), 0ms);
  EXPECT_FALSE(clock.adopt(sample(-4ms, 5ms, 5ms)));
  EXPECT_EQ(clock.offset(), 0ms);
}

TEST(ClockOffset, OneDirectionIsSlow_OffsetIsZero) {
  ClockOffset clock;
  clock.adopt(sample(0ms, 400ms, 1ms));
  EXPECT_EQ(clock.offset(), 0ms);
  clock.adopt(sample(0ms, 1ms, 400ms));
  EXPECT_EQ(clock.offset(), 0ms);
}

TEST(ClockOffset, ChangeIsWithinTheMeasurementError_OffsetStays) {
  ClockOffset clock;
  ASSERT_TRUE(clock.adopt(sample(10s, 1ms, 1ms)));
  const Milliseconds before = clock.offset();
  EXPECT_FALSE(clock.adopt(sample(10s, 3ms, 1ms)));
  EXPECT_FALSE(clock.adopt(sample(10s + 1ms, 2ms, 2ms)));
  EXPECT_EQ(clock.offset(), before);
  EXPECT_TRUE(clock.adopt(sample(10s + 50ms, 2ms, 2ms)));
  EXPECT_NE(clock.offset(), before);
}

TEST(ClockOffset, SampleIsWithinTheMeasurementError_ConfirmsAKnownOffset) {
  ClockOffset clock;
  EXPECT_FALSE(clock.confirms(sample(0ms, 1ms, 1ms))) << "it is not known";
  clock.adopt(sample(10s, 1ms, 1ms));
  EXPECT_TRUE(clock.confirms(sample(10s, 3ms, 1ms)));
  EXPECT_FALSE(clock.confirms(sample(10s + 50ms, 2ms, 2ms)));
  clock.forget();
  EXPECT_FALSE(clock.confirms(sample(10s, 1ms, 1ms)));
}

// It would agree with almost any offset.
TEST(ClockOffset, SampleTookLong_ConfirmsNothing) {
  ClockOffset clock;
  clock.adopt(sample(10s, 1ms, 1ms));
  EXPECT_FALSE(clock.confirms(sample(10s, 100ms, 100ms)));
  EXPECT_TRUE(clock.confirms(sample(10s, 5ms, 5ms)));
  ClockOffset far;
  far.adopt(sample(10s, 50ms, 50ms));
  EXPECT_TRUE(far.confirms(sample(10s, 100ms, 100ms)));
  EXPECT_FALSE(far.confirms(sample(10s, 101ms, 100ms)));
}

}  // namespace
}  // namespace jeton::agent
