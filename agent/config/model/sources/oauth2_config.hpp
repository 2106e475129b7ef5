// tokens.NAME.source of type oauth2: RFC 6749 and its extensions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/sources/egress_config.hpp"
#include "agent/config/model/sources/request_config.hpp"
#include "agent/config/model/sources/response_config.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/config/secrets/secret_template.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {

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

}  // namespace jeton::agent
