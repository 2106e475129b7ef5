// FetchUsage: how often the fleet has called the provider of one token.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/base/time.hpp"

namespace jeton::agent {

struct FetchUsage {
  std::uint64_t calls = 0;               // in the running window
  std::optional<BootTime> window_end{};  // when it starts again from zero; none before the first call
  bool paused = false;                   // the fleet is held back from the provider now
};

}  // namespace jeton::agent
