// Authentication of a client at an OAuth2 server: RFC 6749 section 2.3.1, RFC 7523 section 2.2, RFC 8705 section 2.
#pragma once

#include "agent/base/random.hpp"
#include "agent/config/model/sources/source_config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/oauth2/assertion.hpp"

namespace jeton::agent {

// Adds to header and form what the configured method needs. `terms` gives an assertion of the client the values that
// the configuration does not have: audience and time. Throws Error, without any secret.
void authenticate(HttpRequest& request, Parameters& form, const OAuth2SourceConfig& config, const AssertionTerms& terms,
                  Random& random, SecretResolver& resolver);

}  // namespace jeton::agent
