#include "agent/config/schema/sources/signing_key.hpp"

#include "agent/base/error.hpp"

namespace jeton::agent {

void check_signing_key(const ValueReader& value, const SecretTemplate& key, JwtAlgorithm algorithm) {
  SecretString secret;
  try {
    secret = key.resolve();
  } catch (const Error&) {
    return;
  }
  try {
    const JwtSigner signer(algorithm, secret);
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
}

}  // namespace jeton::agent
