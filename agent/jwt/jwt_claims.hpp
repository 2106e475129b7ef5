// The expiry of a JSON Web Token (`exp`, RFC 7519 section 4.1), read without checking the signature: a token that came
// over a trusted connection, such as an access token from its issuer, may name its expiry so. Pure, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "agent/base/time.hpp"

namespace jeton::agent {

inline constexpr std::size_t max_jwt_size = 64 * 1024;  // bytes
inline constexpr int max_jwt_depth = 32;                // of its JSON

// Nothing if there is no `exp`, or the text is not a JWS in compact form: three parts in strict base64url, a header
// that is a JSON object with `alg`, and claims that are a JSON object. `exp` is a number of seconds from 1970 to 9999;
// milliseconds and numbers in quotes, which some issuers write, are accepted too; fractions below a millisecond are
// dropped. If it is repeated, the earlier time counts: a token must never seem to last longer than it does. Any other
// value counts as absent. An encrypted token (JWE, five parts) shows its claims only to its recipient. Never throws
// because of the text.
[[nodiscard]] std::optional<WallTime> jwt_expiry(std::string_view token);

}  // namespace jeton::agent
