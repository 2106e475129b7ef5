// The two clocks of jeton and how they are handed around.
//
// WallTime: UTC in milliseconds since the Unix epoch, as it is stored in Redis, in JSON and in the segment. It may
// step. BootTime: CLOCK_BOOTTIME, counts suspend, never steps, has a meaning on this host only until reboot; leases,
// deadlines and sleeps are in BootTime.
//
// No component reads a clock by itself: each receives a Clock from its caller, so the same code runs in virtual time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

namespace jeton::agent {

using Duration = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<Milliseconds>;

// Names the time base of BootTime. Has no now(): ask a Clock.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual WallTime wall_now() const = 0;
  [[nodiscard]] virtual BootTime boot_now() const = 0;
};

// Converts `wall` to the boot clock by the present offset of the two clocks. The result is limited to a century from
// now: 64 bits of nanoseconds hold 292 years, and times come from outside.
[[nodiscard]] inline BootTime boot_time_of(WallTime wall, const Clock& clock) {
  constexpr Milliseconds century = std::chrono::hours(24 * 36'525);
  return clock.boot_now() + std::clamp(wall - clock.wall_now(), -century, century);
}

// Converts `boot` to the wall clock by the present offset of the two clocks.
[[nodiscard]] inline WallTime wall_time_of(BootTime boot, const Clock& clock) {
  constexpr Duration century = std::chrono::hours(24 * 36'525);
  return clock.wall_now() +
         std::chrono::duration_cast<Milliseconds>(std::clamp(boot - clock.boot_now(), -century, century));
}

// Milliseconds since the Unix epoch; negative before 1970.
[[nodiscard]] constexpr std::int64_t to_unix_ms(WallTime t) { return t.time_since_epoch().count(); }
[[nodiscard]] constexpr WallTime from_unix_ms(std::int64_t ms) { return WallTime{Milliseconds{ms}}; }
// Milliseconds since boot, as they are stored. from_boot_ms() limits a number from outside to a century.
[[nodiscard]] constexpr std::int64_t to_boot_ms(BootTime t) {
  return std::chrono::duration_cast<Milliseconds>(t.time_since_epoch()).count();
}
[[nodiscard]] constexpr BootTime from_boot_ms(std::int64_t ms) {
  constexpr Milliseconds century = std::chrono::hours(24 * 36'525);
  return BootTime{std::clamp(Milliseconds{ms}, Milliseconds{0}, century)};
}
[[nodiscard]] constexpr Milliseconds to_ms(Duration d) { return std::chrono::duration_cast<Milliseconds>(d); }

// For people: "2026-11-18T11:06:40Z".
[[nodiscard]] inline std::string utc_text(WallTime time) {
  const std::time_t seconds = to_unix_ms(time) / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// CLOCK_REALTIME and CLOCK_BOOTTIME of the operating system. Stateless, any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall_now() const override { return WallTime{to_ms(read(CLOCK_REALTIME))}; }
  [[nodiscard]] BootTime boot_now() const override { return BootTime{read(CLOCK_BOOTTIME)}; }

 private:
  static Duration read(clockid_t id) {
    timespec reading{};
    ::clock_gettime(id, &reading);
    return std::chrono::seconds{reading.tv_sec} + Duration{reading.tv_nsec};
  }
};

}  // namespace jeton::agent
