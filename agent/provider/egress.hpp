// Applies the `egress` keys of a source to a request. Reads files and environment when called; pure otherwise.
#pragma once

#include <vector>

#include "agent/config/model/sources/request_config.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

// Fills in timeouts, redirects and route. Adds the secret parts (the proxy's URL, its password) to `secrets`, which
// become those of the request: call it when all other parts of the request are there.
// Throws Error, without any secret: a reference cannot be resolved, or the URL of the proxy is not valid.
void apply_egress(HttpRequest& request, const EgressConfig& config, const TokenValues& tokens,
                  std::vector<SecretString>& secrets);

}  // namespace jeton::agent
