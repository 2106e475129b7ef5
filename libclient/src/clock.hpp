// The clocks of the client. The coarse clock is a load from the vDSO page, of the resolution of the kernel's tick: an
// expired token is noticed a few milliseconds late at most.
#pragma once

#include <time.h>

#include <cstdint>

namespace jeton::client {

[[nodiscard]] inline std::int64_t to_ms(const timespec& t) {
  return std::int64_t{t.tv_sec} * 1000 + static_cast<std::int64_t>(t.tv_nsec) / 1'000'000;
}
[[nodiscard]] inline std::int64_t wall_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return to_ms(now);
}
[[nodiscard]] inline std::int64_t monotonic_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return to_ms(now);
}

}  // namespace jeton::client
