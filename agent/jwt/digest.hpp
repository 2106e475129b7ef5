// Digests and keyed digests of texts, by OpenSSL. Pure functions, any thread. Throw Error if OpenSSL fails.
#pragma once

#include <string_view>

#include "agent/base/secret.hpp"

namespace jeton::agent {

enum class Digest { md5, sha1, sha256, sha512 };

// The digest as bytes. It is secret, because a short text can be guessed from its digest.
[[nodiscard]] SecretString digest_of(Digest digest, std::string_view text);
// HMAC (RFC 2104), bytes. The key has any length.
[[nodiscard]] SecretString hmac_of(Digest digest, const SecretString& key, std::string_view text);

}  // namespace jeton::agent
