// tokens.NAME.source: the source of a token, by type.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/immutable.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/sources/request_config.hpp"
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
  ResponseConfig response;  // max_body: of the command's output
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

// A JWT that identifies the client (RFC 7523): given as it is, or signed for every attempt.
struct AssertionConfig {
  SecretTemplate assertion;                      // the whole JWT, made elsewhere; empty: signed here
  SecretTemplate key;                            // PEM; empty with `assertion` and for client_secret_jwt
  JwtAlgorithm algorithm = JwtAlgorithm::rs256;  // client_secret_jwt: hs256
  std::string key_id;                            // `kid`; empty: none
  std::string issuer;                            // `iss`; empty: the client_id
  std::string subject;                           // `sub`; empty: the client_id to authenticate a client, else none
  std::string audience;                          // `aud`; empty: the token endpoint
  Milliseconds lifetime{120'000};
  std::map<std::string, SecretTemplate> header;  // beside alg, typ and kid
  std::optional<JsonTemplate> claims;            // beside those above; an object
  bool operator==(const AssertionConfig&) const = default;
};

// RFC 8693 section 2.1.
struct TokenExchangeConfig {
  SecretTemplate subject_token;
  std::string subject_token_type;
  SecretTemplate actor_token;  // empty: none
  std::string actor_token_type;
  std::string requested_token_type;  // empty: the provider's choice
  bool operator==(const TokenExchangeConfig&) const = default;
};

// RFC 6749 and its extensions.
struct OAuth2SourceConfig {
  enum class Grant { client_credentials, refresh_token, jwt_bearer, token_exchange };
  enum class ClientAuth {
    client_secret_basic,
    client_secret_basic_unencoded,  // as it is, without the form-encoding of RFC 6749
    client_secret_post,
    client_secret_jwt,
    private_key_jwt,
    tls_client_auth,  // RFC 8705, by egress.tls
    none
  };

  SecretTemplate token_url;  // empty: discovered from `issuer`
  std::string issuer;        // empty: token_url is set
  Grant grant = Grant::client_credentials;
  SecretTemplate client_id;
  SecretTemplate client_secret;
  ClientAuth client_auth = ClientAuth::none;
  AssertionConfig client_assertion;    // for client_secret_jwt and private_key_jwt
  AssertionConfig jwt_bearer;          // for the grant of that name
  TokenExchangeConfig token_exchange;  // for the grant of that name
  SecretTemplate refresh_token;        // for the grant of that name: the one to begin with
  std::string scope;
  std::string audience;
  std::vector<std::string> resource;              // RFC 8707
  ParameterTemplates params;                      // more parameters of the token request
  std::map<std::string, SecretTemplate> headers;  // more headers of every request but those for the metadata
  bool revoke = false;                            // RFC 7009, after the overlap
  SecretTemplate revocation_url;                  // empty: discovered
  ResponseConfig response;
  EgressConfig egress;
  bool operator==(const OAuth2SourceConfig&) const = default;
};

// Whether the client is sent in the header Authorization.
[[nodiscard]] constexpr bool uses_basic(OAuth2SourceConfig::ClientAuth auth) {
  using ClientAuth = OAuth2SourceConfig::ClientAuth;
  return auth == ClientAuth::client_secret_basic || auth == ClientAuth::client_secret_basic_unencoded;
}

using SourceConfig = std::variant<Immutable<HttpSourceConfig>, Immutable<ExecSourceConfig>, Immutable<FileSourceConfig>,
                                  Immutable<JwtSourceConfig>, Immutable<OAuth2SourceConfig>>;

// Null: the source is of another type.
template <typename T>
[[nodiscard]] const T* source_as(const SourceConfig& config) {
  const auto* found = std::get_if<Immutable<T>>(&config);
  return found == nullptr ? nullptr : &**found;
}

// Whether a fetch leaves something secret for the next one: FetchedToken::state.
[[nodiscard]] inline bool keeps_state(const SourceConfig& config) {
  if (const auto* http = source_as<HttpSourceConfig>(config)) return !http->refresh_token.empty();
  const auto* oauth2 = source_as<OAuth2SourceConfig>(config);
  return oauth2 != nullptr && oauth2->grant == OAuth2SourceConfig::Grant::refresh_token;
}

// The longest time of a fetch, or of a revocation, by the deadlines of its source. Work of the agent itself is not
// counted.
[[nodiscard]] Milliseconds longest_fetch(const SourceConfig& config);

}  // namespace jeton::agent
