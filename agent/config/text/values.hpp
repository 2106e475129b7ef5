// The small grammars of configuration values, all whole-string, locale-free, without overflow; paths; and UTF-8 as
// RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
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

// Whether `path` is in `directory`, at any depth, by their texts; false if only one of them is absolute.
[[nodiscard]] bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory);

// A line break, a tab or another character without a form of its own.
[[nodiscard]] bool has_control_characters(std::string_view text);

// Length of the character that starts at `at`, 1 to 4; 0 if none is well-formed there.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);

[[nodiscard]] bool is_utf8(std::string_view text);

// Some programs begin a file in UTF-8 with the mark U+FEFF.
[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  return text;
}

}  // namespace jeton::agent
