// tokens.NAME.source of type oauth2: its endpoints, its request and the places in the answer.
#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/config/schema/sources/request_schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"
#include "agent/config/text/http_url.hpp"

namespace jeton::agent {

namespace {

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
  try {
    const HttpUrl url = parse_http_url(*text);
    if (!url.tls && !url.loopback() && !config.egress.allow_http) {
      value.error(value.path() + ": an issuer has an https:// URL; or set source.allow_http: true");
    } else if (text->find('?') != std::string::npos) {
      value.error(value.path() + ": an issuer has no query (RFC 8414 section 2)");
    } else {
      config.issuer = *text;
    }
  } catch (const Error& e) {
    value.error(value.path() + ": " + e.what());
  }
}

void read_endpoints(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  const ValueReader token_url = source.at("token_url");
  const ValueReader issuer = source.at("issuer");
  assign(config.token_url, read_url(token_url, config.egress.allow_http));
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
  assign(config.revocation_url, read_url(revocation_url, config.egress.allow_http));
  config.revoke = wanted.value_or(revocation_url.present());
  if (wanted == false && revocation_url.present()) {
    revocation_url.error("source.revocation_url is not used with revoke: false; remove one of them");
  }
  if (wanted == true && !revocation_url.present() && !issuer.present()) {
    revoke.error("source.revoke needs revocation_url, or issuer to have it discovered");
  }
}

void read_parameters(ObjectReader& source, OAuth2SourceConfig& config, Reading& reading) {
  assign(config.scope, source.at("scope").text());
  assign(config.audience, source.at("audience").text());
  const ValueReader resource = source.at("resource");
  config.resource = resource.list();
  for (const std::string& uri : config.resource) {
    if (uri.find(':') == std::string::npos || uri.find('#') != std::string::npos) {
      resource.error(resource.path() + ": expected absolute URIs without a fragment (RFC 8707 section 2); got " +
                     in_quotes(uri));
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
    if (std::find(keyed_parameters.begin(), keyed_parameters.end(), member.name) == keyed_parameters.end()) continue;
    reading.problems.error(member.place, "source.params." + member.name +
                                             " is set by the agent from the keys of the source; remove it from params");
  }
  for (const Member& member : headers.members()) {
    const bool basic = uses_basic(config.client_auth) && is_header(member.name, "authorization");
    if (!basic && !is_header(member.name, "content-type")) continue;
    reading.problems.error(member.place, "source.headers." + member.name + " is set by the agent" +
                                             (basic ? " from client_id and client_secret" : "") +
                                             "; remove it from headers");
  }
}

// Keys whose value RFC 6749 section 5 fixes are not read.
ResponseConfig read_oauth2_response(const ValueReader& response, OAuth2SourceConfig::Grant grant) {
  ResponseConfig defaults;
  defaults.type = "/token_type";
  defaults.error = "/error";
  defaults.error_message = "/error_description";
  ResponseConfig config = read_http_response(response.object(), defaults);
  for (const auto& [name, place] : config.attributes) {
    if (place == config.token || place == config.refresh_token) continue;  // is reported already
    if (place == "/refresh_token" || place == "/id_token" || place == "/access_token") {
      response.error(response.path() + ".attributes." + name + ": " + place.text() +
                     " is a secret, and every user can see attributes; remove it");
    }
  }
  if (config.format == ResponseConfig::Format::text)
    response.error(response.path() +
                   ".format: the answer of an OAuth2 server is JSON or a form; for a bare text use type: http");
  if (grant != OAuth2SourceConfig::Grant::refresh_token && config.refresh_token != defaults.refresh_token)
    response.error(response.path() + ".refresh_token is for grant: refresh_token; set that, or drop it");
  return config;
}

}  // namespace

OAuth2SourceConfig read_oauth2_source(ObjectReader& source, Reading& reading) {
  OAuth2SourceConfig config;
  config.egress = read_egress(source, reading);
  read_endpoints(source, config, reading);
  const bool grant_known = read_oauth2_grant(source, config, reading);
  read_oauth2_client(source, config, grant_known, reading);
  read_parameters(source, config, reading);
  config.response = read_oauth2_response(source.at("response"), config.grant);
  return config;
}

}  // namespace jeton::agent
