// Builds a request from the configuration of a source, with its secrets filled in; and the parts of that which every
// source that speaks HTTP needs. Reads files and environment when called.
#pragma once

#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/request_scope.hpp"

namespace jeton::agent {

struct BuiltRequest {
  HttpRequest request;
  std::vector<SecretString> secrets;  // must never be shown; in each form in which it is sent
};

// Throws Error, without any secret: a reference that cannot be resolved, a URL that is not valid, or to which
// the request would go in the clear (checked here again, because the URL may hold a reference).
//
// The tokens of `terms` have the value of ${refresh_token}, if the request contains it.
[[nodiscard]] BuiltRequest build_request(const HttpSourceConfig& config, const RequestTerms& terms);

// Builds the request of source.revocation, which the configuration must have. The tokens of `terms` have the token to
// revoke.
[[nodiscard]] BuiltRequest build_revocation(const HttpSourceConfig& config, const RequestTerms& terms);

// Fills in timeouts, redirects and route by the `egress` keys of a source. Adds the secret parts (the proxy's URL, its
// password) to `secrets`, which become those of the request: call it when all other parts of the request are there.
// Throws Error, without any secret: a reference cannot be resolved, or the URL of the proxy is not valid.
void apply_egress(HttpRequest& request, const EgressConfig& config, const TokenValues& tokens,
                  std::vector<SecretString>& secrets);

// Checks a URL that may hold a reference, and so could not be checked with the configuration. Throws Error, naming
// `key`, if it is not a valid URL, or requests would go to it in the clear (way_in_the_clear).
void check_request_url(const SecretString& url, const EgressConfig& egress, const std::string& key);

// The URL as messages name it: up to the query, references by their names: "https://host/${file:/etc/x}/token".
[[nodiscard]] std::string display_url(const SecretTemplate& url);

}  // namespace jeton::agent
