#include "agent/config/model/lock_names.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "agent/base/ascii.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t longest_name = 128;

bool is_name_of(std::string_view text, bool with_star) {
  const auto allowed = [&](char c) {
    return is_ascii_alphanumeric(c) || c == '.' || c == '_' || c == ':' || c == '-' || (with_star && c == '*');
  };
  return !text.empty() && text.size() <= longest_name &&
         (is_ascii_alphanumeric(text.front()) || (with_star && text.front() == '*')) &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

bool is_lock_name(std::string_view text) { return is_name_of(text, false); }
bool is_lock_pattern(std::string_view text) { return is_name_of(text, true); }

// The last star takes one more character whenever the text after it does not match: linear in the product of both
// lengths, without recursion, whose depth a pattern could set.
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

std::size_t lock_pattern_weight(std::string_view pattern) {
  return pattern.size() - static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
}

// A search through the pairs of places in the two patterns. A star is left without a character, or takes one that the
// other pattern demands; a name needs no others.
std::optional<std::string> common_lock_name(std::string_view a, std::string_view b) {
  struct Step {
    std::size_t from;
    char character;  // '\0': none
  };
  constexpr std::size_t unseen = static_cast<std::size_t>(-1);
  const std::size_t width = b.size() + 1;
  const std::size_t end = a.size() * width + b.size();
  std::vector<Step> steps(end + 1, {unseen, '\0'});
  std::deque<std::size_t> places{0};
  steps[0].from = 0;
  const auto go = [&](std::size_t from, std::size_t to, char character) {
    if (steps[to].from != unseen) return;
    steps[to] = {from, character};
    // Steps without a character first, for a short name.
    if (character == '\0') {
      places.push_front(to);
    } else {
      places.push_back(to);
    }
  };
  while (!places.empty() && steps[end].from == unseen) {
    const std::size_t at = places.front();
    places.pop_front();
    const std::size_t i = at / width;
    const std::size_t j = at % width;
    const bool a_star = i < a.size() && a[i] == '*';
    const bool b_star = j < b.size() && b[j] == '*';
    if (a_star) go(at, at + width, '\0');
    if (b_star) go(at, at + 1, '\0');
    if (a_star && j < b.size() && !b_star) go(at, at + 1, b[j]);
    if (b_star && i < a.size() && !a_star) go(at, at + width, a[i]);
    if (i < a.size() && j < b.size() && !a_star && !b_star && a[i] == b[j]) go(at, at + width + 1, a[i]);
  }
  if (steps[end].from == unseen) return std::nullopt;
  std::string name;
  for (std::size_t at = end; at != 0; at = steps[at].from) {
    if (steps[at].character != '\0') name += steps[at].character;
  }
  std::reverse(name.begin(), name.end());
  // Only where both begin with a star.
  if (name.empty() || !is_ascii_alphanumeric(name.front())) name.insert(name.begin(), 'a');
  return is_lock_name(name) ? std::optional(name) : std::nullopt;
}

}  // namespace jeton::agent
