// An answer of no known shape (JSONP, JSON that is cut off or has something behind it, XML, a page, a bare text), as an
// operator may see it. A pure function, any thread.
#pragma once

#include <string>
#include <string_view>

namespace jeton::agent {

// Prose and names remain. Hidden is what stands in quotes and is no name, what stands under a name that sounds secret,
// the word behind an authentication scheme, a body that is one word, and what looks like a token.
[[nodiscard]] std::string unknown_text(std::string_view body);

}  // namespace jeton::agent
