// base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 uses it). Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// For bytes that are not secret by themselves: a header, claims, a signature.
[[nodiscard]] std::string base64url_encode(std::string_view bytes);

// Strict: nothing for padding, white space, another alphabet, a length no text can have, or bits that are left over and
// not zero. So two texts never decode to the same bytes.
[[nodiscard]] std::optional<SecretString> base64url_decode(std::string_view text);

}  // namespace jeton::agent
