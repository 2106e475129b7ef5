// Tokens that carry their own checksum, so that a reader can check that one is whole. Pure functions.
//
//   demo.17.5f0c...a1.9b1d2c3e4f5a6b7c    serial number, random hexadecimal digits, FNV-1a of all before the last dot
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"

namespace jeton::agent::demo {

// `size`: bytes of the whole token; at least what the parts need (about 60).
[[nodiscard]] std::string make_checked_token(std::uint64_t serial, Random& random, std::size_t size = 0);

// The serial number if the token is whole; nothing if a single byte is not as it was made.
[[nodiscard]] std::optional<std::uint64_t> checked_token_serial(std::string_view token);

}  // namespace jeton::agent::demo
