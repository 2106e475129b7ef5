// The clocks of the client. The coarse clock is read from the vDSO page, at the resolution of the kernel's tick: an
// expired token is noticed a few milliseconds late at most.
#pragma once

#include <sys/auxv.h>
#include <time.h>

#include <cstdint>

namespace jeton::client {

[[nodiscard]] inline std::int64_t to_ms(const timespec& t) {
  return std::int64_t{t.tv_sec} * 1000 + static_cast<std::int64_t>(t.tv_nsec) / 1'000'000;
}

// The wall clock at one moment.
class WallClock {
 public:
  WallClock() { ::clock_gettime(CLOCK_REALTIME_COARSE, &now_); }

  [[nodiscard]] std::int64_t ms() const { return to_ms(now_); }
  [[nodiscard]] bool is_before(std::int64_t at_ms) const { return ms() < at_ms; }

 private:
  timespec now_;
};

// The second of the coarse clock, for the short ways: until the last second of a token, whole seconds tell that it has
// not run out. time() is the cheapest clock there is, one load from the vDSO page where clock_gettime takes a handful
// and checks them. But a glibc that is linked statically makes a system call of it, and the read path makes none: a
// program without a dynamic linker asks the coarse clock.
using SecondsClock = time_t (*)(time_t*);

inline time_t coarse_seconds(time_t*) {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}
[[nodiscard]] inline SecondsClock cheapest_seconds_clock() {
  return ::getauxval(AT_BASE) != 0 ? static_cast<SecondsClock>(&::time) : &coarse_seconds;
}

// The first second in which a token may run out: before it, it has not.
[[nodiscard]] constexpr std::int64_t last_second_of(std::int64_t expires_at_ms) { return expires_at_ms / 1000; }

[[nodiscard]] inline std::int64_t monotonic_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return to_ms(now);
}

}  // namespace jeton::client
