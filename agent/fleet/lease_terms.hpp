// The rules about leases that all backends share: the owner ids, and how long a holder may trust its lease
// (tests/model/fence.pml is a model of that).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"

namespace jeton::agent {

// 128 random bits, as hexadecimal digits.
[[nodiscard]] inline std::string new_owner_id(Random& random) { return random.hex(16); }

// An owner as other clients may have written it, for an operator: unprintable bytes become \xNN, and the text is cut to
// 64 characters.
[[nodiscard]] inline std::string printable_owner(std::string_view owner) {
  constexpr std::size_t longest = 64;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : owner) {
    const auto byte = static_cast<unsigned char>(c);
    const bool prints = byte >= 0x20 && byte < 0x7f && c != '\\';
    const std::string piece = prints ? std::string(1, c) : std::string{'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    if (text.size() + piece.size() > longest) break;
    text += piece;
  }
  return text;
}

// `since`: before the request was sent. The clocks of two hosts run apart by far less than 1 %; the rest is for the
// grain of the timers.
[[nodiscard]] inline BootTime lease_valid_until(BootTime since, Duration ttl) {
  return since + ttl - ttl / 100 - Milliseconds{2};
}

// An expiry as Redis takes it: whole milliseconds, and no 0, which it refuses.
[[nodiscard]] inline Milliseconds expiry_ms(Duration duration) { return std::max(Milliseconds{1}, to_ms(duration)); }

}  // namespace jeton::agent
