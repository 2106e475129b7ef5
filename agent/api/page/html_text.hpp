// Texts of an HTML page: escaped, and times as people read them. Every text from outside goes through html_escaped(),
// also names that cannot hold a mark: the rule has no exception to remember. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/time.hpp"

namespace jeton::agent {

// For the content of an element and for a quoted attribute. Control characters become blanks.
[[nodiscard]] std::string html_escaped(std::string_view text);

// NAME="VALUE" with a blank before it; the value is escaped.
[[nodiscard]] std::string html_attribute(std::string_view name, std::string_view value);

// "in 1 h 50 min", "45 s ago", "now"; page.js says it in the same words.
[[nodiscard]] std::string relative_words(WallTime at, WallTime now);

// A <time> with the relative words, which page.js keeps up to date, and the moment itself for programs and on hover.
[[nodiscard]] std::string html_time(WallTime at, WallTime now);

}  // namespace jeton::agent
