// The JWTs with which a source of type oauth2 says who it is (RFC 7523). Reads files and environment when called.
#pragma once

#include <string>

#include "agent/base/random.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/oauth2_config.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {

// So much earlier than this host's clock an assertion begins to count: a provider whose clock is behind takes it all
// the same.
inline constexpr std::chrono::seconds assertion_backdate{10};

// What is in an assertion if the configuration has nothing else.
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
