// tokens.NAME.source of type oauth2: its endpoints, its grant, its request and the places in the answer.
#include <array>

#include "agent/base/ascii.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

namespace {

using Grant = OAuth2SourceConfig::Grant;

constexpr std::array<std::string_view, 15> keyed_parameters{"grant_type",
                                                            "client_id",
                                                            "client_secret",
                                                            "client_assertion",
                                                            "client_assertion_type",
                                                            "assertion",
                                                            "refresh_token",
                                                            "scope",
                                                            "audience",
                                                            "resource",
                                                            "subject_token",
                                                            "actor_token",
                                                            "subject_token_type",
                                                            "actor_token_type",
                                                            "requested_token_type"};

// Compared byte by byte with the one in the document, so it is kept unchanged.
void read_issuer(const ValueReader& value, OAuth2SourceConfig& config) {
  const auto text = value.text();
  if (!text) return;
  const auto url = value.parsed(*text, parse_http_url);
  if (!url) return;
  if (const std::string way = way_in_the_clear(*url, config.egress); !way.empty()) {
    value.refuse(": an issuer has an https:// URL; http:// sends secrets in the clear " + way +
                 "; or set source.allow_http: true");
  } else if (text->find('?') != std::string::npos) {
    value.refuse(": an issuer has no query (RFC 8414 section 2)");
  } else {
    config.issuer = *text;
  }
}

void read_endpoints(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  const ValueReader token_url = source.at("token_url");
  const ValueReader issuer = source.at("issuer");
  assign(config.token_url, read_url(token_url, config.egress));
  read_issuer(issuer, config);
  if (token_url.present() && issuer.present()) {
    issuer.error(
        "source.issuer and source.token_url exclude each other; remove token_url to have it discovered from the "
        "issuer");
  }
  if (source.present() && !token_url.present() && !issuer.present()) {
    reading.problems.error(source.place(), source.path() +
                                               " needs token_url: the token endpoint of the provider; or issuer, to "
                                               "have it discovered");
  }
  const ValueReader revoke = source.at("revoke");
  const ValueReader revocation_url = source.at("revocation_url");
  const auto wanted = revoke.boolean();
  assign(config.revocation_url, read_url(revocation_url, config.egress));
  config.revoke = wanted.value_or(revocation_url.present());
  if (wanted == false && revocation_url.present()) {
    revocation_url.error("source.revocation_url is not used with revoke: false; remove one of them");
  }
  if (wanted == true && !revocation_url.present() && !issuer.present()) {
    revoke.error("source.revoke needs revocation_url, or issuer to have it discovered");
  }
}

// "access_token" becomes the URN of RFC 8693 section 3; a text with a colon is used as it is.
std::optional<std::string> read_token_type(const ValueReader& value) {
  auto text = value.text();
  if (!text || text->find(':') != std::string::npos) return text;
  for (const char* name : {"access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt"}) {
    if (*text == name) return "urn:ietf:params:oauth:token-type:" + *text;
  }
  return value.refuse(": expected access_token, refresh_token, id_token, jwt, saml1, saml2 or a URI; got " +
                      in_quotes(*text));
}

TokenExchangeConfig read_exchange(const ValueReader& section) {
  TokenExchangeConfig config;
  ObjectReader exchange = section.object();
  assign(config.subject_token, exchange.required("subject_token").filled_secret());
  assign(config.subject_token_type, read_token_type(exchange.required("subject_token_type")));
  const ValueReader actor = exchange.at("actor_token");
  const ValueReader actor_type = exchange.at("actor_token_type");
  assign(config.actor_token, actor.filled_secret());
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
void check_section(const ValueReader& section, const ValueReader& grant, const std::string& name, bool meant,
                   const std::string& what) {
  if (meant && !section.present()) grant.error("grant " + name + " needs source." + what);
  if (!meant && section.present()) {
    section.refuse(" is for grant: " + name + "; set that grant, or remove it");
  }
}

// Reads grant and the section of each grant. False: there is no such grant.
bool read_grant(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  const ValueReader grant = source.at("grant");
  const ValueReader refresh_token = source.at("refresh_token");
  const ValueReader jwt_bearer = source.at("jwt_bearer");
  const ValueReader exchange = source.at("token_exchange");
  const auto chosen = grant.choice<Grant>({{"client_credentials", Grant::client_credentials},
                                           {"refresh_token", Grant::refresh_token},
                                           {"jwt_bearer", Grant::jwt_bearer},
                                           {"token_exchange", Grant::token_exchange}});
  assign(config.grant, chosen);
  assign(config.refresh_token, refresh_token.filled_secret());
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
    jwt_bearer.refuse(" needs key, the private key in PEM; or assertion, a JWT made elsewhere");
  }
  if (!jwt.key.empty() && jwt.issuer.empty() && !source.at("client_id").present()) {
    jwt_bearer.refuse(" needs issuer, the claim iss; or source.client_id, which is used in its place");
  }
  return true;
}

void read_parameters(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  assign(config.scope, source.at("scope").text());
  assign(config.audience, source.at("audience").text());
  const ValueReader resource = source.at("resource");
  config.resource = resource.list();
  for (const std::string& uri : config.resource) {
    if (uri.find(':') == std::string::npos || uri.find('#') != std::string::npos) {
      resource.refuse(": expected absolute URIs without a fragment (RFC 8707 section 2); got " + in_quotes(uri));
    }
  }
  const RequestReferences references{.values_and_parts = false};
  const RequestPlace place(reading, references);
  const ValueReader params = source.at("params");
  const ValueReader headers = source.at("headers");
  config.params = read_parameters(params);
  config.headers = read_headers(headers, reading);
  if (reading.paths != nullptr) return;
  for (const Member& member : params.members()) {
    if (!lists(keyed_parameters, member.name)) continue;
    reading.problems.error(member.place, "source.params." + member.name +
                                             " is set by the agent from the keys of the source; remove it from params");
  }
  for (const Member& member : headers.members()) {
    const bool basic = uses_basic(config.client_auth) && equal_ignoring_case(member.name, "authorization");
    if (!basic && !equal_ignoring_case(member.name, "content-type")) continue;
    reading.problems.error(member.place, "source.headers." + member.name + " is set by the agent" +
                                             (basic ? " from client_id and client_secret" : "") +
                                             "; remove it from headers");
  }
}

// Keys whose value RFC 6749 section 5 fixes are not read.
ResponseConfig read_oauth2_response(const ValueReader& response, Grant grant) {
  ResponseConfig defaults;
  defaults.type = "/token_type";
  defaults.error = "/error";
  defaults.error_message = "/error_description";
  ResponseConfig config = read_http_response(response.object(), defaults);
  for (const auto& [name, place] : config.attributes) {
    if (place == config.token || place == config.refresh_token) continue;  // is reported already
    if (place == "/refresh_token" || place == "/id_token" || place == "/access_token") {
      response.refuse(".attributes." + name + ": " + place.text() +
                      " is a secret, and every user can see attributes; remove it");
    }
  }
  if (config.format == ResponseConfig::Format::text) {
    response.refuse(".format: the answer of an OAuth2 server is JSON or a form; for a bare text use type: http");
  }
  if (grant != Grant::refresh_token && config.refresh_token != defaults.refresh_token) {
    response.refuse(".refresh_token is for grant: refresh_token; set that, or drop it");
  }
  return config;
}

}  // namespace

OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading) {
  OAuth2SourceConfig config;
  config.egress = read_egress(source);
  read_endpoints(source, config, reading);
  const bool grant_known = read_grant(source, config, reading);
  read_oauth2_client(source, config, grant_known, reading);
  read_parameters(source, config, reading);
  config.response = read_oauth2_response(source.at("response"), config.grant);
  return config;
}

}  // namespace jeton::agent
