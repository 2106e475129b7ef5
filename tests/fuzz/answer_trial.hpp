// One input to the parsers of what comes from outside: answers of providers, Retry-After, RFC 3339, JWTs, output of
// commands. The first byte says which.
#pragma once

#include <string>
#include <string_view>

namespace jeton::fuzz {

inline constexpr char parsers_of_answers = 16;  // the first byte modulo this

// Empty, or what a parser did that none may: throw anything but SourceError, accept what is no token, or show the
// token.
[[nodiscard]] std::string try_answer(std::string_view input);

}  // namespace jeton::fuzz
