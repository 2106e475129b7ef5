// The rules about leases that all backends share: the owner ids, and how long a holder may trust its lease.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/record/record.hpp"

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

// Throws for an impossible fence (fence_limit), so that the attempt that drew it ends: servers, records and the
// resources that a lock protects would refuse every later fence. `now`: by the clock of the coordinator, or of this
// host, which is not a century behind.
inline void check_fence(std::uint64_t fence, WallTime now, const std::string& server) {
  if (fence < fence_limit(now)) return;
  throw TransportError(server + ": its fence is a century ahead; check the clock of the server");
}

// An expiry as Redis takes it: whole milliseconds, and no 0, which it refuses.
[[nodiscard]] inline Milliseconds expiry_ms(Duration duration) { return std::max(Milliseconds{1}, to_ms(duration)); }

// A lock or pause without an expiry (set by hand) is checked again after this time.
inline constexpr Duration look_again_at_endless = std::chrono::seconds(15);

// Tells an operator what to do about a lock that was set by hand, without an expiry.
[[nodiscard]] inline std::string endless_lock(const std::string& key) {
  return "the lock " + key + " never expires; if no process uses it, delete it with DEL";
}

}  // namespace jeton::agent
