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

struct HttpSourceConfig {
  SecretTemplate url;
  std::string method = "GET";  // GET or POST; POST always if form or json is set
  std::map<std::string, SecretTemplate> query;
  std::map<std::string, SecretTemplate> headers;
  std::map<std::string, SecretTemplate> form;  // application/x-www-form-urlencoded body
  std::optional<JsonTemplate> json;            // application/json body; never together with form
  ResponseConfig response;
  EgressConfig egress;
  bool operator==(const HttpSourceConfig&) const = default;
};

}  // namespace jeton::agent
