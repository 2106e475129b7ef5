#include "agent/base/time.hpp"

#include <ctime>

namespace jeton::agent {
namespace {

Duration read_clock(clockid_t id) {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return std::chrono::seconds{ts.tv_sec} + Duration{ts.tv_nsec};
}

}  // namespace

WallTime SystemClock::wall_now() const { return WallTime{to_ms(read_clock(CLOCK_REALTIME))}; }

BootTime SystemClock::boot_now() const { return BootTime{read_clock(CLOCK_BOOTTIME)}; }

}  // namespace jeton::agent
