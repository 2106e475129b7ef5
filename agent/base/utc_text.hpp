// A time for people who set a source up: "2026-11-18T11:06:40Z". Any thread.
#pragma once

#include <ctime>
#include <string>

#include "agent/base/time.hpp"

namespace jeton::agent {

[[nodiscard]] inline std::string utc_text(WallTime time) {
  const std::time_t seconds = to_unix_ms(time) / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace jeton::agent
