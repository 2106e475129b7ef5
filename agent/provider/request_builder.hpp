// Builds a request from the configuration of a source, with its secrets filled in. Reads files and environment when
// called.
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

// Throws Error, without any secret: a reference that cannot be resolved, a URL that is not valid, or http:// to another
// host than loopback without allow_http (checked here again, because the URL may hold a reference).
//
// The tokens of `terms` have the value of ${refresh_token}, if the request contains it.
[[nodiscard]] BuiltRequest build_request(const HttpSourceConfig& config, const RequestTerms& terms);

// Builds the request of source.revocation, which the configuration must have. The tokens of `terms` have the token to
// revoke.
[[nodiscard]] BuiltRequest build_revocation(const HttpSourceConfig& config, const RequestTerms& terms);

}  // namespace jeton::agent
