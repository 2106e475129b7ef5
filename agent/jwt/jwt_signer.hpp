// JwtSigner: signs JSON Web Tokens (RFC 7519) as JWS in compact form (RFC 7515), by OpenSSL.
//
// Immutable after construction: any thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// RFC 7518 section 3.1; EdDSA with Ed25519: RFC 8037, and by the name Ed25519: RFC 9864.
enum class JwtAlgorithm { hs256, rs256, ps256, es256, eddsa, ed25519 };

inline constexpr std::array<std::pair<std::string_view, JwtAlgorithm>, 6> jwt_algorithms{
    {{"HS256", JwtAlgorithm::hs256},
     {"RS256", JwtAlgorithm::rs256},
     {"PS256", JwtAlgorithm::ps256},
     {"ES256", JwtAlgorithm::es256},
     {"EdDSA", JwtAlgorithm::eddsa},
     {"Ed25519", JwtAlgorithm::ed25519}}};

[[nodiscard]] std::string_view name_of(JwtAlgorithm algorithm);  // "HS256", "EdDSA"

class JwtSigner {
 public:
  // `key`: the secret itself for HS256 (at least 32 bytes, RFC 7518 section 3.2), else a private key in PEM (PKCS #8,
  // PKCS #1 or SEC 1), without a passphrase. Throws Error that names the mistake, without any of the key.
  JwtSigner(JwtAlgorithm algorithm, const SecretString& key);
  ~JwtSigner();

  // `header` and `claims` are JSON objects; base64url(header).base64url(claims).base64url(signature). The caller puts
  // `alg` into the header. Throws Error if OpenSSL fails.
  [[nodiscard]] SecretString sign(std::string_view header, std::string_view claims) const;

  // The signature of any text, as bytes.
  [[nodiscard]] SecretString signature(std::string_view text) const;

 private:
  struct Key;
  std::unique_ptr<const Key> key_;
};

}  // namespace jeton::agent
