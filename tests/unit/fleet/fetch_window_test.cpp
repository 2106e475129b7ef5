#include <gtest/gtest.h>

#include "agent/fleet/local/local_state.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start = from_unix_ms(1'790'000'000'000);

FetchLimits limits(Duration min_interval, std::uint64_t budget, Duration window) {
  return {min_interval, budget, window};
}

TEST(FetchWindow, NoLimitsAreSet_EveryCallIsAdmitted) {
  FetchWindow window;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(window.admit(start, {}).admitted());
}

TEST(FetchWindow, CallComesBeforeTheMinInterval_IsRefusedWithTheWait) {
  FetchWindow window;
  EXPECT_TRUE(window.admit(start, limits(30s, 0, 24h)).admitted());
  const auto refused = window.admit(start + 10s, limits(30s, 0, 24h));
  EXPECT_FALSE(refused.admitted());
  EXPECT_EQ(refused.refusal, FetchRefusal::min_interval);
  EXPECT_EQ(refused.wait, 20s);
  EXPECT_EQ(window.calls, 1U);
  EXPECT_TRUE(window.admit(start + 30s, limits(30s, 0, 24h)).admitted());
}

TEST(FetchWindow, WindowHasEnded_HasNoCalls) {
  FetchWindow window;
  EXPECT_FALSE(window.ends_at());
  EXPECT_TRUE(window.admit(start, limits(0s, 3, 24h)).admitted());
  EXPECT_EQ(window.ends_at(), start + 24h);
  EXPECT_EQ(window.calls_at(start + 23h), 1U);
  EXPECT_EQ(window.calls_at(start + 24h), 0U);
}

TEST(FetchWindow, BudgetIsSpent_CallsAreRefusedUntilTheNextWindow) {
  FetchWindow window;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(window.admit(start + i * 1h, limits(0s, 3, 24h)).admitted());
  const auto refused = window.admit(start + 4h, limits(0s, 3, 24h));
  EXPECT_FALSE(refused.admitted());
  EXPECT_EQ(refused.refusal, FetchRefusal::budget);
  EXPECT_EQ(refused.wait, 20h);
  EXPECT_EQ(window.calls, 3U);
  EXPECT_TRUE(window.admit(start + 24h, limits(0s, 3, 24h)).admitted());
  EXPECT_EQ(window.calls, 1U);
}

TEST(FetchWindow, ClockWentBack_WaitsNoLongerThanItsIntervals) {
  FetchWindow window;
  EXPECT_TRUE(window.admit(start, limits(30s, 1, 1h)).admitted());
  const auto refused = window.admit(start - 365 * 24h, limits(30s, 1, 1h));
  EXPECT_FALSE(refused.admitted());
  EXPECT_EQ(refused.wait, 30s);
  const auto spent = window.admit(start - 365 * 24h + 30s, limits(0s, 1, 1h));
  EXPECT_FALSE(spent.admitted()) << "the budget is still spent";
  EXPECT_LE(spent.wait, 1h);
}

}  // namespace
}  // namespace jeton::agent
