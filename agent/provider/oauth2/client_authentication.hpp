// Authentication of a client at an OAuth2 server (RFC 6749 section 2.3.1, RFC 7523 section 2.2, RFC 8705 section 2) and
// the JWTs for it. The functions read files and environment when called. They throw Error, without any secret: a
// reference cannot be resolved, a key does not suit.
#pragma once

#include "agent/base/random.hpp"
#include "agent/base/secret.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/http/http.hpp"
#include "agent/http/url.hpp"
#include "agent/provider/secret_resolver.hpp"

namespace jeton::agent {

// The content of an assertion where the configuration sets nothing else.
struct AssertionTerms {
  SecretString key;  // PEM, or the client's secret for HS256
  SecretString issuer;
  SecretString subject;  // empty: none
  SecretString audience;
  WallTime now;
};

// A JWT for one attempt, with a `jti` of its own; or the configured one unchanged. It is remembered as a secret.
[[nodiscard]] SecretString make_assertion(const AssertionConfig& config, const AssertionTerms& terms, Random& random,
                                          SecretResolver& resolver);

// Adds to header and form what the configured method needs. `terms` gives an assertion of the client the values that
// the configuration does not have: audience and time.
void authenticate(HttpRequest& request, Parameters& form, const OAuth2SourceConfig& config, const AssertionTerms& terms,
                  Random& random, SecretResolver& resolver);

}  // namespace jeton::agent
