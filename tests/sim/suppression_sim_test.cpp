// How many agents of a fleet reach for the lock at each rotation.
#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/model.hpp"

namespace jeton::sim {
namespace {

// A sanitizer makes the largest fleet take minutes and learns nothing new from it.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
const std::vector<int> fleets{1, 10, 100};
#else
const std::vector<int> fleets{1, 10, 100, 1000};
#endif

TEST(SuppressionSim, LockAttemptsPerRotationStayNearConstant) {
  for (const int agents : fleets) {
    Fleet fleet(7, agents);
    const auto calls_before = fleet.provider.calls;
    const double attempts = fleet.attempts_per_rotation(10);
    EXPECT_EQ(fleet.provider.calls - calls_before, 11U);
    RecordProperty("attempts_at_" + std::to_string(agents), std::to_string(attempts));
    EXPECT_GE(attempts, 1.0);
    EXPECT_LE(attempts, 4.0) << agents << " agents";
  }
}

}  // namespace
}  // namespace jeton::sim
