// Workload: a fleet of a size that no seed draws: up to 100,000 agents, 1000 tokens or 1000 users of a lock, on one
// Redis without faults, with the invariants. Pure data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/sim/plan.hpp"

namespace jeton::sim {

struct Workload {
  std::uint64_t seed = 1;
  std::size_t agents = 1;
  std::size_t tokens = 1;      // of each agent
  std::size_t lock_users = 0;  // on all hosts, of one lock
  std::size_t rotations = 3;   // of each token, at least
  Milliseconds lifetime{120'000};
};

// Throws std::invalid_argument if it is none.
[[nodiscard]] Plan workload_plan(const Workload& workload);

}  // namespace jeton::sim
