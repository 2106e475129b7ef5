// The grant of a source of type oauth2, and the keys of that grant.
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using Grant = OAuth2SourceConfig::Grant;

// "access_token" becomes the URN of RFC 8693 section 3; a text with a colon is used as it is.
std::optional<std::string> read_token_type(const ValueReader& value) {
  auto text = value.text();
  if (!text || text->find(':') != std::string::npos) return text;
  for (const char* name : {"access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt"}) {
    if (*text == name) return "urn:ietf:params:oauth:token-type:" + *text;
  }
  value.error(value.path() + ": expected access_token, refresh_token, id_token, jwt, saml1, saml2 or a URI; got " +
              in_quotes(*text));
  return std::nullopt;
}

TokenExchangeConfig read_exchange(const ValueReader& section) {
  TokenExchangeConfig config;
  ObjectReader exchange = section.object();
  assign(config.subject_token, exchange.required("subject_token").secret());
  assign(config.subject_token_type, read_token_type(exchange.required("subject_token_type")));
  const ValueReader actor = exchange.at("actor_token");
  const ValueReader actor_type = exchange.at("actor_token_type");
  assign(config.actor_token, actor.secret());
  assign(config.actor_token_type, read_token_type(actor_type));
  if (actor.present() != actor_type.present()) {
    (actor.present() ? actor : actor_type)
        .error(section.path() + ": actor_token and actor_token_type go together (RFC 8693 section 2.1)");
  }
  assign(config.requested_token_type, read_token_type(exchange.at("requested_token_type")));
  exchange.finish();
  return config;
}

// The section of a grant is present if and only if that grant is chosen.
void check_section(const ValueReader& section, const ValueReader& grant, const char* name, bool meant,
                   const std::string& what) {
  if (meant && !section.present()) grant.error("grant " + std::string(name) + " needs source." + what);
  if (!meant && section.present()) {
    section.error(section.path() + " is for grant: " + name + "; set that grant, or remove it");
  }
}

}  // namespace

bool read_oauth2_grant(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  const ValueReader grant = source.at("grant");
  const ValueReader refresh_token = source.at("refresh_token");
  const ValueReader jwt_bearer = source.at("jwt_bearer");
  const ValueReader exchange = source.at("token_exchange");
  const auto chosen = grant.choice<Grant>({{"client_credentials", Grant::client_credentials},
                                           {"refresh_token", Grant::refresh_token},
                                           {"jwt_bearer", Grant::jwt_bearer},
                                           {"token_exchange", Grant::token_exchange}});
  assign(config.grant, chosen);
  assign(config.refresh_token, refresh_token.secret());
  config.jwt_bearer = read_assertion(jwt_bearer, reading);
  config.token_exchange = read_exchange(exchange);
  if (!source.present()) return true;
  if (grant.present() && !chosen) return false;

  check_section(refresh_token, grant, "refresh_token", config.grant == Grant::refresh_token,
                "refresh_token: the first one, such as ${file:/etc/jeton/refresh-token}");
  check_section(jwt_bearer, grant, "jwt_bearer", config.grant == Grant::jwt_bearer,
                "jwt_bearer: {key: ...} to sign an assertion, or {assertion: ...}");
  check_section(exchange, grant, "token_exchange", config.grant == Grant::token_exchange,
                "token_exchange: {subject_token: ..., subject_token_type: ...}");
  const AssertionConfig& jwt = config.jwt_bearer;
  if (config.grant == Grant::jwt_bearer && jwt_bearer.present() && jwt.key.empty() && jwt.assertion.empty()) {
    jwt_bearer.error(jwt_bearer.path() + " needs key, the private key in PEM; or assertion, a JWT made elsewhere");
  }
  if (!jwt.key.empty() && jwt.issuer.empty() && !source.at("client_id").present()) {
    jwt_bearer.error(jwt_bearer.path() +
                     " needs issuer, the claim iss; or source.client_id, which is used in its place");
  }
  return true;
}

}  // namespace jeton::agent
