// How many agents of a fleet reach for the lock at each rotation.
#include "tests/virtual/refresh/suppression.hpp"

#include <gtest/gtest.h>

namespace jeton::test {
namespace {

// A claim takes 40 ms to reach the others and the spread is 10 s: of a thousand agents that drew their delays uniformly
// four more would wake in that time. With the suppressed draw it is one in twenty-five rotations.
TEST(Suppression, FleetOfAnySize_NeedsAboutOneLockAttemptPerRotation) {
  for (std::size_t agents = 1; agents <= 1000; agents *= 10) {
    const double attempts = attempts_per_rotation(agents, 10);
    RecordProperty("attempts_at_" + std::to_string(agents), std::to_string(attempts));
    EXPECT_GE(attempts, 1.0);
    EXPECT_LE(attempts, 1.6) << agents << " agents";
  }
}

// Every other host is due before the fetch is over: without the claim there would be five attempts each. Now and then
// two hosts wake at the same moment.
TEST(Suppression, FetchLastsLongerThanTheSpread_NoOtherHostReachesForTheLock) {
  constexpr std::uint64_t fleets = 20;
  std::uint64_t attempts = 0;
  for (std::uint64_t seed = 1; seed <= fleets; ++seed) {
    VirtualFleet fleet(
        {.agents = 5, .refresh = {.grace = std::chrono::seconds(15), .spread = std::chrono::seconds(1)}, .seed = seed});
    fleet.start_all();
    ASSERT_TRUE(fleet.until([&] { return fleet.all_valid(); }));
    const auto first = fleet.stored_generation();
    const auto before = fleet.lock_attempts();
    fleet.provider.answer_time = std::chrono::seconds(2);
    ASSERT_TRUE(fleet.until([&] { return fleet.all_above(first); }));
    attempts += fleet.lock_attempts() - before;
  }
  EXPECT_LE(attempts, fleets * 8 / 5);
}

}  // namespace
}  // namespace jeton::test
