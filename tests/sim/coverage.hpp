// Coverage: what a run, or a campaign of seeds, has injected and reached. Plain numbers, because processes share them.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>

#include "tests/sim/failpoints.hpp"
#include "tests/sim/fault_kinds.hpp"

namespace jeton::sim {

struct Coverage {
  using FaultCounts = std::array<std::uint64_t, fault_kind_count>;

  FaultCounts injected{};
  FaultCounts took_effect{};  // fault_effects.hpp
  FailpointCounts reached{};
  FailpointCounts armed{};  // failpoint_kills.hpp
  FailpointCounts killed{};

  void add(const Coverage& other);
};

// Two tables, and the names of what never happened.
void print(const Coverage& coverage, std::ostream& out);

}  // namespace jeton::sim
