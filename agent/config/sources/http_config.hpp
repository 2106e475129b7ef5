// tokens.NAME.source of type http.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/config/json_template.hpp"
#include "agent/config/secret_template.hpp"
#include "agent/config/sources/egress_config.hpp"
#include "agent/config/sources/response_config.hpp"

namespace jeton::agent {

struct HttpRequestConfig {
  SecretTemplate url;
  std::string method = "GET";  // GET or POST, in a revocation also DELETE; POST always if form or json is set
  std::map<std::string, SecretTemplate> query;
  std::map<std::string, SecretTemplate> headers;
  std::map<std::string, SecretTemplate> form;  // application/x-www-form-urlencoded body
  std::optional<JsonTemplate> json;            // application/json body; never together with form
  bool operator==(const HttpRequestConfig&) const = default;
};

struct HttpSourceConfig : HttpRequestConfig {
  ResponseConfig response;
  EgressConfig egress;                          // of the revocation, too
  std::optional<HttpRequestConfig> revocation;  // ${revoked} in it is the token to revoke
  bool operator==(const HttpSourceConfig&) const = default;
};

}  // namespace jeton::agent
