// Converts the state in `control` and the time (expiry.hpp) to the flags of jeton.h.
#pragma once

#include <jeton/jeton.h>

#include <cstdint>

#include "libclient/layout/segment.hpp"

namespace jeton::client {

static_assert(JETON_FLAG_VALID == layout::state_valid && JETON_FLAG_EXPIRED == layout::state_expired &&
              JETON_FLAG_REJECTED == layout::state_rejected);

[[nodiscard]] inline std::uint32_t flags_of(std::uint64_t control, bool ran_out) {
  const auto rejected = static_cast<std::uint32_t>(control) & JETON_FLAG_REJECTED;
  if (ran_out) return rejected | JETON_FLAG_EXPIRED;
  return rejected | (static_cast<std::uint32_t>(control) & JETON_FLAG_VALID);
}

}  // namespace jeton::client
