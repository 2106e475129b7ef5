// The lines of a history: one JSON object each, with the moments of its begin and end by CLOCK_BOOTTIME and by the wall
// clock. check_history.py has the list of operations.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/base/time.hpp"

namespace jeton::chaos {

struct Moment {
  std::int64_t boot_us = 0;
  std::int64_t wall_us = 0;
};

[[nodiscard]] inline Moment moment_of(agent::BootTime boot, std::chrono::system_clock::time_point wall) {
  using std::chrono::microseconds;
  return {std::chrono::duration_cast<microseconds>(boot.time_since_epoch()).count(),
          std::chrono::duration_cast<microseconds>(wall.time_since_epoch()).count()};
}
// The wall clock last: a thread that is held up between the two takes a token for one that ends earlier, not later.
[[nodiscard]] inline Moment now() {
  const agent::BootTime boot = agent::SystemClock().boot_now();
  return moment_of(boot, std::chrono::system_clock::now());
}

// With its line end.
[[nodiscard]] inline std::string history_line(const std::string& operation, Moment begin, Moment end,
                                              nlohmann::json more) {
  more["op"] = operation;
  more["begin_us"] = begin.boot_us;
  more["end_us"] = end.boot_us;
  more["begin_wall_us"] = begin.wall_us;
  more["end_wall_us"] = end.wall_us;
  return more.dump() + "\n";
}

// The form of a token in a history: its serial number and its checksum.
[[nodiscard]] inline std::string fingerprint(const std::string& token) {
  const auto dot = token.find('.');
  const auto next = dot == std::string::npos ? dot : token.find('.', dot + 1);
  return next == std::string::npos ? "no token"
                                   : token.substr(dot + 1, next - dot - 1) + token.substr(token.rfind('.'));
}

}  // namespace jeton::chaos
