// The clocks of the client. The coarse clock is a load from the vDSO page, of the resolution of the kernel's tick: an
// expired token is noticed a few milliseconds late at most.
#pragma once

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
  // Whether `at_ms` is still to come. Whole seconds decide, but in the last one.
  [[nodiscard]] bool is_before(std::int64_t at_ms) const {
    return std::int64_t{now_.tv_sec} * 1000 + 999 < at_ms || ms() < at_ms;
  }

 private:
  timespec now_;
};

[[nodiscard]] inline std::int64_t monotonic_now_ms() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return to_ms(now);
}

}  // namespace jeton::client
