// The options of jeton_sim that make a plan of that of its seed: what shrinking has left of it. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/plan.hpp"

namespace jeton::sim {

struct ReplayOptions {
  std::uint64_t seed = 0;
  std::optional<std::size_t> hosts{};
  std::optional<Duration> length{};
  // "none", or numbers of faults, each with another begin or length if it has one: "3,7@1000000,8@0:500".
  std::optional<std::string> faults{};
};

// Throws std::invalid_argument or std::out_of_range if `faults` cannot be read.
[[nodiscard]] Plan plan_of(const ReplayOptions& options);

// "--seed 57 --hosts 2 --length 0 --faults 3,7@1000000". Times are in nanoseconds.
[[nodiscard]] std::string replay_options(const Plan& plan);

}  // namespace jeton::sim
