#include "agent/base/tally.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

TEST(DurationTally, DurationsAreAdded_EachIsInTheBucketWhoseLimitItDoesNotExceed) {
  DurationTally tally;
  tally.add(0s);
  tally.add(500us);
  tally.add(501us);
  tally.add(1800s);
  tally.add(24h);
  EXPECT_EQ(tally.counts()[0], 2U);
  EXPECT_EQ(tally.counts()[1], 1U);
  EXPECT_EQ(tally.counts()[DurationTally::limits.size() - 1], 1U);
  EXPECT_EQ(tally.counts().back(), 1U) << "no limit";
  EXPECT_EQ(std::accumulate(tally.counts().begin(), tally.counts().end(), std::uint64_t{0}), 5U);
  EXPECT_EQ(tally.sum(), 1800s + 24h + 1001us);
}

TEST(DurationTally, DurationIsNegative_CountsAsNothing) {
  DurationTally tally;
  tally.add(-1s);
  EXPECT_EQ(tally.counts()[0], 1U);
  EXPECT_EQ(tally.sum(), 0s);
}

TEST(DurationTally, Limits_Rise) {
  EXPECT_TRUE(std::is_sorted(DurationTally::limits.begin(), DurationTally::limits.end()));
}

}  // namespace
}  // namespace jeton::agent
