// From the configuration of a source to a request with its secrets filled in. Reads files and environment when called.
#pragma once

#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/request_scope.hpp"

namespace jeton::agent {

struct BuiltRequest {
  HttpRequest request;
  std::vector<SecretString> secrets;  // what must never be shown, in each form it is sent in
};

// Throws Error, without any secret: a reference that cannot be resolved, a URL that is none, or http:// to another
// host than loopback without allow_http (checked here again, because the URL may hold a reference).
//
// The tokens of `terms` know what ${refresh_token} stands for, should the request have it.
[[nodiscard]] BuiltRequest build_request(const HttpSourceConfig& config, const RequestTerms& terms);

// source.revocation, which the configuration has. The tokens of `terms` know the token to revoke.
[[nodiscard]] BuiltRequest build_revocation(const HttpSourceConfig& config, const RequestTerms& terms);

}  // namespace jeton::agent
