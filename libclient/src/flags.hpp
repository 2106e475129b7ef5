// From the state in `control` and the time to the flags of jeton.h.
#pragma once

#include <jeton/jeton.h>

#include <cstdint>

#include "libclient/layout/segment.hpp"
#include "libclient/src/clock.hpp"

namespace jeton::client {

static_assert(JETON_FLAG_VALID == layout::state_valid && JETON_FLAG_EXPIRED == layout::state_expired &&
              JETON_FLAG_REJECTED == layout::state_rejected);

// The agent flips valid to expired; a reader does not depend on it being alive to do so.
[[nodiscard]] inline bool is_expired(std::uint64_t control, std::int64_t expires_at_ms, const WallClock& now) {
  return (control & layout::state_expired) != 0 || !now.is_before(expires_at_ms);
}

[[nodiscard]] inline std::uint32_t flags_at(std::uint64_t control, std::int64_t expires_at_ms, const WallClock& now) {
  const auto rejected = static_cast<std::uint32_t>(control) & JETON_FLAG_REJECTED;
  if (is_expired(control, expires_at_ms, now)) return rejected | JETON_FLAG_EXPIRED;
  return rejected | (static_cast<std::uint32_t>(control) & JETON_FLAG_VALID);
}

}  // namespace jeton::client
