#include <gtest/gtest.h>

#include "agent/base/log_pace.hpp"

namespace jeton::agent::log {
namespace {

using namespace std::chrono_literals;

constexpr BootTime first_moment{1h};

TEST(LogRepeatsTest, SameLineComesAgainAndAgain_IsLeftOutAndCounted) {
  LogRepeats repeats;
  for (int i = 0; i < LogBurst::burst; ++i) EXPECT_EQ(repeats.allow("a", first_moment), 0U) << i;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(repeats.allow("a", first_moment)) << i;
  EXPECT_EQ(repeats.allow("a", first_moment + 1min), 5U);
  EXPECT_FALSE(repeats.allow("a", first_moment + 1min));
}

TEST(LogRepeatsTest, LinesDiffer_NoneIsLeftOut) {
  LogRepeats repeats;
  for (std::size_t i = 0; i < 3 * LogRepeats::most_lines; ++i) {
    EXPECT_TRUE(repeats.allow(std::to_string(i), first_moment)) << i;
  }
}

TEST(LogRepeatsTest, LineWasQuietForLong_ManyAreDueAtOnceAgain) {
  LogRepeats repeats;
  for (int i = 0; i < 100; ++i) static_cast<void>(repeats.allow("a", first_moment));
  for (int i = 0; i < LogBurst::burst; ++i) EXPECT_TRUE(repeats.allow("a", first_moment + 24h)) << i;
}

}  // namespace
}  // namespace jeton::agent::log
