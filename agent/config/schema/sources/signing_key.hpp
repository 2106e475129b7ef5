// The private key with which a source signs.
#pragma once

#include "agent/config/schema/value_reader.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

// Checks a key that can be read now; check_secrets() reports a key that cannot.
void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm);

}  // namespace jeton::agent
