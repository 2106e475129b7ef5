// From the state in `control` and the time to the flags of jeton.h.
#pragma once

#include <jeton/jeton.h>

#include <cstdint>

#include "libclient/layout/segment.hpp"

namespace jeton::client {

static_assert(JETON_FLAG_VALID == layout::state_valid && JETON_FLAG_EXPIRED == layout::state_expired &&
              JETON_FLAG_REJECTED == layout::state_rejected);

// The agent flips valid to expired; a reader does not depend on it being alive to do so.
[[nodiscard]] inline std::uint32_t flags_at(std::uint64_t control, std::int64_t expires_at_ms, std::int64_t now_ms) {
  auto flags = static_cast<std::uint32_t>(control) & (JETON_FLAG_VALID | JETON_FLAG_EXPIRED | JETON_FLAG_REJECTED);
  if (now_ms >= expires_at_ms) flags |= JETON_FLAG_EXPIRED;
  if ((flags & JETON_FLAG_EXPIRED) != 0) flags &= ~JETON_FLAG_VALID;
  return flags;
}

}  // namespace jeton::client
