// From the `egress` keys of a source to a request that leaves the host that way. Reads files and environment when
// called; pure otherwise.
#pragma once

#include <vector>

#include "agent/config/model/sources/egress_config.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

// Fills in timeouts, redirects and route. What of it is secret (the proxy's URL, its password) is added to `secrets`,
// which then are the request's: called when everything else of the request is there.
// Throws Error, without any secret: a reference cannot be resolved, or the URL of the proxy is not valid.
void apply_egress(HttpRequest& request, const EgressConfig& config, const TokenValues& tokens,
                  std::vector<SecretString>& secrets);

}  // namespace jeton::agent
