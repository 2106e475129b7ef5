// Authentication schemes: the word that may precede a token ("Bearer xyz"). It is the only part of an answer that every
// user can see without a configured attribute. Pure functions, any thread.
#pragma once

#include <string_view>

namespace jeton::agent {

// A scheme that is known, in any case: those that IANA has registered and those that well-known providers use.
[[nodiscard]] bool is_auth_scheme(std::string_view word);

// Whether the word may be shown as the type of a token: a known scheme, or a token_type as in RFC 6749 and RFC 8693
// that does not look like a secret itself.
[[nodiscard]] bool may_be_type(std::string_view word);

}  // namespace jeton::agent
