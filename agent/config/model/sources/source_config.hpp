// tokens.NAME.source: the source of a token, by type.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/time.hpp"
#include "agent/config/model/sources/egress_config.hpp"
#include "agent/config/model/sources/oauth2_config.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/config/model/sources/response_config.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

struct HttpSourceConfig : HttpRequestConfig {
  ResponseConfig response;
  EgressConfig egress;                          // of the revocation, too
  std::optional<HttpRequestConfig> revocation;  // ${revoked} in it is the token to revoke
  // The refresh token to begin with; ${refresh_token} in the request is the newest one. Empty: none is used.
  SecretTemplate refresh_token;
  bool operator==(const HttpSourceConfig&) const = default;
};

// A command prints the token.
struct ExecSourceConfig {
  enum class Format {
    json,        // as `response` says
    text,        // the token and nothing else
    kubernetes,  // ExecCredential of client.authentication.k8s.io
    aws          // credential_process of the AWS SDKs
  };
  std::vector<std::string> command;  // absolute path of the program, then its arguments
  Format format = Format::json;
  std::map<std::string, SecretTemplate> env;
  std::filesystem::path working_directory = "/";
  Milliseconds timeout{10'000};
  ResponseConfig response;  // max_body: of what the command prints
  bool operator==(const ExecSourceConfig&) const = default;
};

// Another program writes the token.
struct FileSourceConfig {
  enum class Format {
    text,  // the token and nothing else
    json   // as `response` says
  };
  std::filesystem::path path;
  Format format = Format::text;
  // Counted from each reading, if the content names no expiry; response.default_lifetime for json.
  std::optional<Milliseconds> lifetime;
  ResponseConfig response;
  bool operator==(const FileSourceConfig&) const = default;
};

// The agent mints and signs the token itself.
struct JwtSourceConfig {
  JwtAlgorithm algorithm = JwtAlgorithm::es256;
  SecretTemplate key;
  std::string key_id;           // `kid`; empty: none
  JsonTemplate::Object header;  // beside alg, typ and kid
  JsonTemplate::Object claims;  // beside those the agent sets
  Milliseconds lifetime{0};     // whole seconds
  Milliseconds backdate{0};     // iat is so much earlier; whole seconds
  bool issued_at = true;        // set iat
  bool expires_at = true;       // set exp
  bool token_id = true;         // set jti
  bool operator==(const JwtSourceConfig&) const = default;
};

using SourceConfig =
    std::variant<HttpSourceConfig, ExecSourceConfig, FileSourceConfig, JwtSourceConfig, OAuth2SourceConfig>;

// Whether a fetch leaves something secret for the next one: FetchedToken::state.
[[nodiscard]] inline bool keeps_state(const SourceConfig& config) {
  if (const auto* http = std::get_if<HttpSourceConfig>(&config)) return !http->refresh_token.empty();
  const auto* oauth2 = std::get_if<OAuth2SourceConfig>(&config);
  return oauth2 != nullptr && oauth2->grant == OAuth2SourceConfig::Grant::refresh_token;
}

// The longest time of a fetch, or of a revocation, by the deadlines of its source. Work of the agent itself is not
// counted.
[[nodiscard]] Milliseconds longest_fetch(const SourceConfig& config);

}  // namespace jeton::agent
