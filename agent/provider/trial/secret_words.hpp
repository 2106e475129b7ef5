// Decides which names and words of a provider's answer may be shown to an operator. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace jeton::agent {

// A name whose value must not be shown; more than sounds_secret(), which only warns.
[[nodiscard]] bool is_secret_name(std::string_view name);

// Names whose text an operator needs and which no provider fills with a secret.
[[nodiscard]] bool is_plain_name(std::string_view name);

// Names under which providers say whether a call has worked.
[[nodiscard]] bool is_code_name(std::string_view name);

// A number, or words such as INVALID_APP.40013, which response.error_rules could name. A code that is to be exchanged
// for a token mixes letters and digits within a word, or is longer.
[[nodiscard]] bool looks_like_code(std::string_view value);

[[nodiscard]] bool is_token_character(char c);

// A long word with a digit in it: a token, or an id that need not be seen.
[[nodiscard]] bool looks_like_token(std::string_view word);

// "*** (32 bytes)": shown in place of a hidden text.
[[nodiscard]] std::string size_of(std::string_view text);

// An answer of no known shape (JSONP, JSON that is cut off or has something behind it, XML, a page, a bare text). Prose
// and names remain. These parts are hidden: quoted texts that are not names, values under a name that sounds secret,
// the word behind an authentication scheme, a body that is one word, and texts that look like a token.
[[nodiscard]] std::string unknown_text(std::string_view body);

}  // namespace jeton::agent
