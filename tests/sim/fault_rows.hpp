// The rows of the table of faults (faults.cpp), each beside the functions that begin and end it. A file for what they
// befall: hosts, servers and the network between them, the provider.
#pragma once

#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

[[nodiscard]] std::vector<FaultInfo> host_faults();
[[nodiscard]] std::vector<FaultInfo> server_faults();
[[nodiscard]] std::vector<FaultInfo> provider_faults();

inline constexpr Milliseconds no_time{0};

// Promises that need a store which can be reached and keeps its data and its time, or a host that goes on.
inline constexpr InvariantSet lease_trouble =
    set_of({Invariant::one_fetch_at_a_time, Invariant::chain, Invariant::pause_is_kept});

// In millionths. agent/README.md, "Validity", allows for 1 % of a time to live, and the clocks of two may differ.
inline constexpr std::int64_t drift_rates[] = {1'000, 3'000, 5'000};

}  // namespace jeton::sim
