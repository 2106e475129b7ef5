// shrink(): a plan that fails, made smaller as long as the same invariant fails: fewer faults (ddmin, Zeller &
// Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002), fewer hosts, fewer seconds:
// shorter faults, less time before each of them, and less behind the last one.
#pragma once

#include <cstddef>
#include <functional>

#include "tests/sim/simulation.hpp"

namespace jeton::sim {

struct Shrunk {
  Plan plan;
  Outcome outcome;  // of this plan
  std::size_t runs = 0;
};

using RunPlan = std::function<Outcome(const Plan& plan)>;

// `plan` fails by `run`. No more than so many runs.
[[nodiscard]] Shrunk shrink(const Plan& plan, const RunPlan& run, std::size_t most_runs = 200);

}  // namespace jeton::sim
