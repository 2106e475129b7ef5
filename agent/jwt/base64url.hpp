// base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 uses it). Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// For bytes that are not secret by themselves: a header, claims, a signature.
[[nodiscard]] std::string base64url_encode(std::string_view bytes);

// Strict: returns nothing for padding, white space, another alphabet, an impossible length, or spare bits that are not
// zero. So two texts never decode to the same bytes.
[[nodiscard]] std::optional<SecretString> base64url_decode(std::string_view text);

}  // namespace jeton::agent
