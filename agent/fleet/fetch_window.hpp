// FetchWindow: the calls to a provider in the running window; decides whether one more is allowed. The same arithmetic
// as the admit script (redis/scripts/admit.lua), for the coordinator that keeps the count on this host.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/fleet/fetch_budget.hpp"

namespace jeton::agent {

struct FetchWindow {
  std::optional<WallTime> last;      // start of the last call
  std::optional<WallTime> began_at;  // of the first call in the window
  std::uint64_t calls = 0;           // in the window

  struct Decision {
    std::optional<FetchRefusal> refusal{};  // none: admitted
    Milliseconds wait{};                    // if refused

    [[nodiscard]] bool admitted() const { return !refusal; }
  };
  // Counts the call if it is admitted. Times in the future, left by a clock that went back, count as now.
  Decision admit(WallTime now, const FetchLimits& limits);
};

}  // namespace jeton::agent
