// What every backend agrees on about a lease: who owns it and how long its holder may trust it (DESIGN.md section 5).
#pragma once

#include <string>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

// 128 random bits, as hexadecimal digits.
[[nodiscard]] inline std::string new_owner_id(Random& random) { return random.hex(16); }

// `since`: before the request was sent. The clocks of two hosts run apart by far less than 1 %; the rest is for the
// grain of the timers.
[[nodiscard]] inline BootTime lease_valid_until(BootTime since, Duration ttl) {
  return since + ttl - ttl / 100 - Milliseconds{2};
}

}  // namespace jeton::agent
