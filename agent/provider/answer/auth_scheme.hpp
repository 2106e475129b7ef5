// Authentication schemes: the word that may stand before a token ("Bearer xyz"), and the only part of an answer that is
// shown to everybody without being asked for. Pure functions, any thread.
#pragma once

#include <string_view>

namespace jeton::agent {

// A scheme that is known, in any case: those that IANA has registered and those that well-known providers use.
[[nodiscard]] bool is_auth_scheme(std::string_view word);

// May be shown as the type of a token: a known scheme, or a token_type as RFC 6749 and RFC 8693 write them that does
// not look like a secret itself.
[[nodiscard]] bool may_be_type(std::string_view word);

}  // namespace jeton::agent
