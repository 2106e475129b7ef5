// The private key with which a source signs.
#pragma once

#include "agent/config/schema/value_reader.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

// What the configuration can say now of a key that is there; check_secrets() reports one that is not.
void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm);

}  // namespace jeton::agent
