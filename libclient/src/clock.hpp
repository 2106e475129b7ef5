// The clocks of the client. The coarse clock is read from the vDSO page, at the resolution of the kernel's tick: an
// expired token is noticed a few milliseconds late at most.
#pragma once

#include <time.h>

#include <cstdint>

namespace jeton::client {

static_assert(sizeof(time_t) == 8, "expiry lies beyond 2038 too; CMakeLists.txt defines _TIME_BITS for 32-bit builds");

[[nodiscard]] inline std::int64_t to_ms(const timespec& t) {
  return std::int64_t{t.tv_sec} * 1000 + static_cast<std::int64_t>(t.tv_nsec) / 1'000'000;
}

// The wall clock at one moment.
class WallClock {
 public:
  WallClock() { ::clock_gettime(CLOCK_REALTIME_COARSE, &now_); }

  [[nodiscard]] std::int64_t ms() const { return to_ms(now_); }
  [[nodiscard]] std::int64_t s() const { return now_.tv_sec; }
  [[nodiscard]] bool is_before(std::int64_t at_ms) const { return ms() < at_ms; }

 private:
  timespec now_;
};

// The second of the coarse clock, for the fast paths, which apply in a second that ran_out() remembers (expiry.hpp).
// The cheapest clock: time() is one load from the vDSO page; clock_gettime makes several and checks that they belong
// together.
[[nodiscard]] inline std::int64_t wall_now_s() { return ::time(nullptr); }

// The first second in which a token may expire; before it, the token has not expired.
[[nodiscard]] constexpr std::int64_t last_second_of(std::int64_t expires_at_ms) { return expires_at_ms / 1000; }

[[nodiscard]] inline std::int64_t monotonic_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return to_ms(now);
}

// This clock counts the time that the machine sleeps, as the lifetime of a token and the TTL of a lock do.
[[nodiscard]] inline std::int64_t boot_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return to_ms(now);
}

// So much later; INT64_MAX if no clock comes so far.
[[nodiscard]] inline std::int64_t later_by(std::int64_t at_ms, std::int64_t ms) {
  std::int64_t later = 0;
  return __builtin_add_overflow(at_ms, ms, &later) ? INT64_MAX : later;
}

}  // namespace jeton::client
