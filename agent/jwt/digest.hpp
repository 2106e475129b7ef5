// Digests and keyed digests, by OpenSSL, and the usual texts for such bytes: hexadecimal digits and base64. Pure
// functions, any thread.
#pragma once

#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

enum class Digest { md5, sha1, sha256, sha512 };

// The digest as bytes. It is secret, because a short text can be guessed from its digest. Throws Error if OpenSSL
// fails.
[[nodiscard]] SecretString digest_of(Digest digest, std::string_view text);
// HMAC (RFC 2104), bytes. The key has any length. Throws Error if OpenSSL fails.
[[nodiscard]] SecretString hmac_of(Digest digest, const SecretString& key, std::string_view text);

enum class HexCase { lower, upper };
[[nodiscard]] SecretString hex_encoded(std::string_view bytes, HexCase digits);

// base64 with padding (RFC 4648 section 4).
[[nodiscard]] SecretString base64_encoded(std::string_view bytes);

}  // namespace jeton::agent
