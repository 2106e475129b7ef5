// Faults: begin and end one in a running fleet. fault_rows.hpp has the table of kinds.
#pragma once

#include "tests/sim/world.hpp"

namespace jeton::sim {

// Of a server.
inline constexpr std::chrono::hours largest_clock_error{1};

void begin_fault(World& world, const Fault& fault);
// Nothing for a fault that is a moment.
void end_fault(World& world, const Fault& fault);

}  // namespace jeton::sim
