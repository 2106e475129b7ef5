// The JWTs with which a source of type oauth2 authenticates (RFC 7523). Reads files and environment when called.
#pragma once

#include <string>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {

// An assertion is valid from this much before now by this host's clock, so that a provider whose clock is behind
// accepts it.
inline constexpr std::chrono::seconds assertion_backdate{10};

// The content of an assertion where the configuration sets nothing else.
struct AssertionTerms {
  SecretString key;  // PEM, or the client's secret for HS256
  SecretString issuer;
  SecretString subject;  // empty: none
  SecretString audience;
  WallTime now;
};

// A JWT for one attempt, with a `jti` of its own; or the configured one unchanged. It is remembered as a secret.
// Throws Error, without any secret: a reference that cannot be resolved, a key that does not suit.
[[nodiscard]] SecretString make_assertion(const AssertionConfig& config, const AssertionTerms& terms, Random& random,
                                          SecretResolver& resolver);

}  // namespace jeton::agent
