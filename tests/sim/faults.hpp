// Faults: begin and end one in a running fleet. fault_rows.hpp has the table of kinds.
#pragma once

#include "tests/sim/world.hpp"

namespace jeton::sim {

// Of a server.
inline constexpr std::chrono::hours largest_clock_error{1};

// The crash that a failpoint_kill becomes when it kills.
[[nodiscard]] Fault crash_of(std::size_t host);
// Where a failpoint_kill kills: at one that the agents of the plan can reach.
[[nodiscard]] std::size_t failpoint_of(const Plan& plan, const Fault& fault);

void begin_fault(World& world, const Fault& fault);
// Nothing for a fault that is a moment.
void end_fault(World& world, const Fault& fault);

}  // namespace jeton::sim
