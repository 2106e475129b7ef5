// Runner: many seeds in several processes, and their report.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "tests/sim/shrink.hpp"

namespace jeton::sim {

struct Seeds {
  std::uint64_t from = 1;
  std::uint64_t count = 1;
  unsigned processes = 1;
  std::size_t most_runs_of_shrinking = 150;
  bool only_first = false;  // ends with the lowest seed that violates an invariant, and does not shrink it
};

// Prints a table of the faults, figures, and for the first violation of each invariant the plan, shrunk, with its
// timeline and the command that replays it. True: nothing was violated. `run`: in several processes.
[[nodiscard]] bool run_seeds(const Seeds& seeds, std::ostream& out, const RunPlan& run);

// Why a plan fails, for a person: violation, plan, timeline, and how to run it again.
[[nodiscard]] std::string report(const Shrunk& shrunk);

}  // namespace jeton::sim
