// From the configuration of a source to a request with its secrets filled in. Reads files and environment when called.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

struct BuiltRequest {
  HttpRequest request;
  std::vector<SecretString> secrets;  // what must never be shown, in each form it is sent in
};

// Throws Error, without any secret: a reference that cannot be resolved, a URL that is none, or http:// to another
// host than loopback without allow_http (checked here again, because the URL may hold a reference).
[[nodiscard]] BuiltRequest build_request(const HttpSourceConfig& config, const TokenValues& tokens);

// source.revocation, which the configuration has. `tokens` know the token to revoke (TokenValues::revoked_value()).
[[nodiscard]] BuiltRequest build_revocation(const HttpSourceConfig& config, const TokenValues& tokens);

}  // namespace jeton::agent
