// An answer of no known shape (JSONP, JSON that is cut off or has something behind it, XML, a page, a bare text), as an
// operator may see it. A pure function, any thread.
#pragma once

#include <string>
#include <string_view>

namespace jeton::agent {

// Prose and names remain. These parts are hidden: quoted texts that are not names, values under a name that sounds
// secret, the word behind an authentication scheme, a body that is one word, and texts that look like a token.
[[nodiscard]] std::string unknown_text(std::string_view body);

}  // namespace jeton::agent
