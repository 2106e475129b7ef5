// The names that a lock may have, and the names that a pattern matches. A name is part of keys in Redis, of paths of
// the local API and of file names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jeton::agent {

inline const std::string lock_name_rule = "1 to 128 characters of A-Z a-z 0-9 . _ : -, the first a letter or digit";

[[nodiscard]] bool is_lock_name(std::string_view text);
// A name in which '*' matches any number of characters, none included.
[[nodiscard]] bool is_lock_pattern(std::string_view text);
[[nodiscard]] bool matches_lock_pattern(std::string_view name, std::string_view pattern);
// How specific a pattern is. Of the patterns that match a name, the one with the most characters besides '*' counts.
[[nodiscard]] std::size_t lock_pattern_weight(std::string_view pattern);
// A short name that both patterns match; none if there is no such name.
[[nodiscard]] std::optional<std::string> common_lock_name(std::string_view a, std::string_view b);

}  // namespace jeton::agent
