// tokens.NAME.source of type http.
#pragma once

#include <optional>

#include "agent/config/model/sources/egress_config.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/config/model/sources/response_config.hpp"

namespace jeton::agent {

struct HttpSourceConfig : HttpRequestConfig {
  ResponseConfig response;
  EgressConfig egress;                          // of the revocation, too
  std::optional<HttpRequestConfig> revocation;  // ${revoked} in it is the token to revoke
  // The refresh token to begin with; ${refresh_token} in the request is the newest one. Empty: none is used.
  SecretTemplate refresh_token;
  bool operator==(const HttpSourceConfig&) const = default;
};

}  // namespace jeton::agent
