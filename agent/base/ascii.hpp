// Names of HTTP, whose case does not matter. ASCII only, no locale. Pure functions, any thread.
#pragma once

#include <algorithm>
#include <string_view>

namespace jeton::agent {

[[nodiscard]] constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

}  // namespace jeton::agent
