#include "agent/config/lock_names.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

constexpr std::size_t longest_name = 128;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_name_of(std::string_view text, bool with_star) {
  const auto allowed = [&](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == ':' || c == '-' || (with_star && c == '*');
  };
  return !text.empty() && text.size() <= longest_name &&
         (is_alphanumeric(text.front()) || (with_star && text.front() == '*')) &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

bool is_lock_name(std::string_view text) { return is_name_of(text, false); }
bool is_lock_pattern(std::string_view text) { return is_name_of(text, true); }

// The last star takes one character more whenever what follows it does not match: linear in the product of both, with
// no recursion that a pattern could make deep.
bool matches_lock_pattern(std::string_view name, std::string_view pattern) {
  std::size_t n = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++n;
      ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace jeton::agent
