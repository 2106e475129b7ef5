// The resources that this process uses, as the kernel counts them.
#pragma once

#include <cstdint>

namespace jeton::agent {

struct ProcessFigures {
  double cpu_seconds = 0;  // user and system, all threads
  std::uint64_t resident_bytes = 0;
};

// Does not wait: both come from memory. Zero for what the kernel does not say.
[[nodiscard]] ProcessFigures process_figures();

}  // namespace jeton::agent
