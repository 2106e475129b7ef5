// How many agents of a fleet reach for the lock at each rotation, on average, in virtual time.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>

#include "tests/virtual/refresh/virtual_fleet.hpp"

namespace jeton::test {

// A lifetime of one minute with the spread that a token of an hour has by default: the draws are the same, and between
// two rotations are fewer polls to pay for.
[[nodiscard]] inline double attempts_per_rotation(std::size_t agents, std::uint64_t rotations) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  VirtualFleet fleet({.agents = agents, .refresh = {.grace = seconds(15), .spread = seconds(10)}});
  fleet.provider.lifetime = seconds(60);
  fleet.start_all();
  fleet.pass(seconds(5));
  fleet.network.set_latency(milliseconds(20), milliseconds(20));
  const auto attempts = fleet.lock_attempts();
  const auto calls = fleet.provider.calls;
  if (!fleet.until([&] { return fleet.provider.calls == calls + rotations; }, seconds(60) * (rotations + 1))) {
    throw std::runtime_error("the tokens were not renewed");
  }
  fleet.pass(seconds(5));
  return static_cast<double>(fleet.lock_attempts() - attempts) / static_cast<double>(fleet.provider.calls - calls);
}

}  // namespace jeton::test
