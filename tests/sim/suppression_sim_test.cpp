// How many agents of a fleet reach for the lock at each rotation.
#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/model.hpp"

namespace jeton::sim {
namespace {

double attempts_per_rotation(int agents, int rotations) {
  Fleet fleet(7, agents);
  fleet.provider.lifetime = std::chrono::minutes(60);
  fleet.start_all();
  fleet.timers.run_for(std::chrono::minutes(1));
  const auto attempts = fleet.lock_attempts();
  const auto calls = fleet.provider.calls;
  fleet.timers.run_until(fleet.timers.clock().boot_now() + std::chrono::hours(2) * rotations,
                         [&] { return fleet.provider.calls >= calls + static_cast<std::uint64_t>(rotations); });
  fleet.timers.run_for(std::chrono::minutes(1));
  EXPECT_EQ(fleet.provider.calls - calls, static_cast<std::uint64_t>(rotations));
  return static_cast<double>(fleet.lock_attempts() - attempts) / rotations;
}

// A sanitizer makes the largest fleet take minutes and learns nothing new from it.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
const std::vector<int> fleets{1, 10, 100};
#else
const std::vector<int> fleets{1, 10, 100, 1000};
#endif

TEST(SuppressionSim, LockAttemptsPerRotationStayNearConstant) {
  for (const int agents : fleets) {
    const double attempts = attempts_per_rotation(agents, 10);
    RecordProperty("attempts_at_" + std::to_string(agents), std::to_string(attempts));
    EXPECT_GE(attempts, 1.0);
    EXPECT_LE(attempts, 4.0) << agents << " agents";
  }
}

}  // namespace
}  // namespace jeton::sim
