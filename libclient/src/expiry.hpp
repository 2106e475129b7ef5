// The expiry of a token: it has expired when either clock says so. The wall clock may be set; CLOCK_BOOTTIME never is.
//
// Reading both clocks is slow, so the reader remembers a second of the wall clock in which the token was valid by both.
// Within that second it reads only the wall clock; a step in either direction leads out of the second.
#pragma once

#include <cstdint>

#include "libclient/layout/segment.hpp"
#include "libclient/src/clock.hpp"
#include "libclient/src/mapping.hpp"

namespace jeton::client {

// A moment by both clocks.
struct Expiry {
  std::int64_t wall_ms;
  std::int64_t boot_ms;  // `no_boot_time`: not known
};
inline constexpr std::int64_t no_boot_time = INT64_MAX;

[[nodiscard]] inline Expiry expiry_of(const layout::SlotHeader& slot) {
  return {slot.expires_at_ms, slot.expires_boot_ms > 0 ? slot.expires_boot_ms : no_boot_time};
}
[[nodiscard]] inline Expiry end_of_overlap(const layout::SlotHeader& slot) {
  return {slot.previous_accept_until_ms,
          slot.previous_accept_until_boot_ms > 0 ? slot.previous_accept_until_boot_ms : no_boot_time};
}

// A second of the wall clock may last longer by the boot clock while the wall clock is slewed.
inline constexpr std::int64_t longest_second_ms = 2000;

// A word that records that a publication can be used in this second. Half of each number is enough: the other half
// of a publication changes after 2^32 of them, not within a second.
[[nodiscard]] constexpr std::uint64_t usable_word(std::uint64_t control, std::int64_t second) {
  return layout::publication_of(control) << 32U | static_cast<std::uint32_t>(second);
}
[[nodiscard]] inline bool is_usable_in(const Mapping& mapping, std::uint64_t control, std::int64_t second) {
  return mapping.usable_in.load(std::memory_order_relaxed) == usable_word(control, second);
}

// The agent changes valid to expired; a reader does not depend on a living agent for that.
[[nodiscard]] inline bool ran_out(const Mapping& mapping, std::uint64_t control, const Expiry& expiry,
                                  const WallClock& now) {
  if ((control & layout::state_expired) != 0 || !now.is_before(expiry.wall_ms)) return true;
  if (is_usable_in(mapping, control, now.s())) return false;
  // Read after the wall clock, so that no moment of that second is later by the boot clock than is assumed.
  const std::int64_t boot_ms = boot_now_ms();
  mapping.wall_minus_boot_ms.store(now.ms() - boot_ms, std::memory_order_relaxed);
  if (boot_ms >= expiry.boot_ms) return true;
  if (now.s() < last_second_of(expiry.wall_ms) && boot_ms + longest_second_ms < expiry.boot_ms) {
    mapping.usable_in.store(usable_word(control, now.s()), std::memory_order_relaxed);
  }
  return false;
}

// For the previous token's overlap, which is checked seldom.
[[nodiscard]] inline bool is_before(const WallClock& now, const Expiry& end) {
  return now.is_before(end.wall_ms) && (end.boot_ms == no_boot_time || boot_now_ms() < end.boot_ms);
}

// `expiry` for callers that only have a wall clock, after ran_out() has compared: the earlier of the two ends, so that
// no caller plans with a time that a step has made wrong. Differences that are smaller than a step are ignored.
[[nodiscard]] inline std::int64_t shown_expiry_ms(const Mapping& mapping, const Expiry& expiry) {
  constexpr std::uint64_t step_ms = 1000;
  if (expiry.boot_ms == no_boot_time) return expiry.wall_ms;
  const std::int64_t offset = mapping.wall_minus_boot_ms.load(std::memory_order_relaxed);
  std::int64_t by_boot = 0;
  if (offset == INT64_MIN || __builtin_add_overflow(expiry.boot_ms, offset, &by_boot)) return expiry.wall_ms;
  const std::uint64_t later = static_cast<std::uint64_t>(expiry.wall_ms) - static_cast<std::uint64_t>(by_boot);
  return expiry.wall_ms > by_boot && later > step_ms ? by_boot : expiry.wall_ms;
}

}  // namespace jeton::client
