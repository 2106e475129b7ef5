// The small grammars of configuration values. All whole-string, locale-free, without overflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.hpp"

namespace jeton::agent {

// "500ms", "30s", "5m", "24h", "7d": digits and one unit.
[[nodiscard]] std::optional<Milliseconds> parse_duration(std::string_view text);
// Writes the duration in the largest unit that gives a whole number.
[[nodiscard]] std::string format_duration(Milliseconds duration);

// "512", "512B", "8KiB", "1MiB", "1GiB".
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// Digits only.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text);

// The candidate that was probably meant: edit distance (insert, delete, replace, swap of neighbours) of at most 2 and
// less than half the length. Nothing if none is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view text,
                                                      const std::vector<std::string_view>& candidates);

}  // namespace jeton::agent
