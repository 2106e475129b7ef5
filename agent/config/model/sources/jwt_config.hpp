// tokens.NAME.source of type jwt: the agent mints and signs the token itself.
#pragma once

#include <string>

#include "agent/base/time.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

struct JwtSourceConfig {
  JwtAlgorithm algorithm = JwtAlgorithm::es256;
  SecretTemplate key;
  std::string key_id;           // `kid`; empty: none
  JsonTemplate::Object header;  // beside alg, typ and kid
  JsonTemplate::Object claims;  // beside those the agent sets
  Milliseconds lifetime{0};     // whole seconds
  Milliseconds backdate{0};     // iat is so much earlier; whole seconds
  bool issued_at = true;        // set iat
  bool expires_at = true;       // set exp
  bool token_id = true;         // set jti
  bool operator==(const JwtSourceConfig&) const = default;
};

}  // namespace jeton::agent
