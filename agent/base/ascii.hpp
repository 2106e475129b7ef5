// Texts of protocols: names whose case does not matter, blanks around a value. ASCII only, no locale. Pure functions,
// any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace jeton::agent {

[[nodiscard]] constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] constexpr bool is_ascii_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "Retry-After", "retry_after" and "retryAfter" are one.
[[nodiscard]] inline std::string plain_letters(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const char lower = ascii_lower(c);
    if (lower >= 'a' && lower <= 'z') plain += lower;
  }
  return plain;
}

[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

// Returns the text without the characters of `blanks` at its beginning and end.
[[nodiscard]] constexpr std::string_view without_blanks(std::string_view text, std::string_view blanks = " \t\r\n") {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

}  // namespace jeton::agent
