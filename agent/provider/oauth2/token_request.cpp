#include "agent/provider/oauth2/token_request.hpp"

#include <string_view>
#include <utility>

#include "agent/provider/oauth2/client_authentication.hpp"
#include "agent/provider/source_fingerprint.hpp"

namespace jeton::agent {
namespace {

using Grant = OAuth2SourceConfig::Grant;

void add(Parameters& form, const char* name, std::string_view value) {
  if (!value.empty()) form.emplace_back(name, SecretString(value));
}

void add_jwt_bearer(Parameters& form, const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                    const RequestTerms& terms, SecretResolver& resolver) {
  AssertionTerms assertion;
  assertion.key = resolver.resolve(config.jwt_bearer.key, "key");
  assertion.issuer = resolver.resolve(config.client_id, "client_id");
  assertion.audience = endpoints.token;
  assertion.now = terms.now;
  add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
  form.emplace_back("assertion", make_assertion(config.jwt_bearer, assertion, terms.random, resolver));
}

void add_token_exchange(Parameters& form, const TokenExchangeConfig& config, SecretResolver& resolver) {
  add(form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
  form.emplace_back("subject_token", resolver.resolve(config.subject_token, "subject_token"));
  add(form, "subject_token_type", config.subject_token_type);
  add(form, "actor_token", resolver.resolve(config.actor_token, "actor_token").reveal());
  add(form, "actor_token_type", config.actor_token_type);
  add(form, "requested_token_type", config.requested_token_type);
}

Parameters grant_parameters(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                            const SecretString& refresh_token, const RequestTerms& terms, SecretResolver& resolver) {
  Parameters form;
  switch (config.grant) {
    case Grant::client_credentials:
      add(form, "grant_type", "client_credentials");
      break;
    case Grant::refresh_token:
      add(form, "grant_type", "refresh_token");
      add(form, "refresh_token", refresh_token.reveal());
      resolver.remember(refresh_token);
      break;
    case Grant::jwt_bearer:
      add_jwt_bearer(form, config, endpoints, terms, resolver);
      break;
    case Grant::token_exchange:
      add_token_exchange(form, config.token_exchange, resolver);
      break;
  }
  add(form, "scope", config.scope);
  add(form, "audience", config.audience);
  for (const std::string& uri : config.resource) add(form, "resource", uri);
  for (const auto& [name, values] : config.params) {
    for (const SecretTemplate& value : values) form.emplace_back(name, resolver.resolve(value, name));
  }
  return form;
}

enum class Endpoint { token, revocation };

BuiltRequest finish(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints, Endpoint to, Parameters form,
                    const RequestTerms& terms, SecretResolver& resolver) {
  BuiltRequest built;
  HttpRequest& request = built.request;
  request.method = HttpRequest::Method::post;
  request.url = to == Endpoint::token ? endpoints.token : endpoints.revocation;
  request.display = to == Endpoint::token ? endpoints.token_display : endpoints.revocation_display;
  request.headers.push_back({"Content-Type", SecretString("application/x-www-form-urlencoded")});
  for (const auto& [name, value] : config.headers) request.headers.push_back({name, resolver.resolve(value, name)});
  // For a client that authenticates by a JWT: its audience is the token endpoint, also in requests to another one
  // (OpenID Connect Core section 9).
  AssertionTerms who;
  who.audience = endpoints.token;
  who.now = terms.now;
  authenticate(request, form, config, who, terms.random, resolver);
  request.body = encode_parameters(form);
  request.max_body = config.response.max_body;
  built.secrets = resolver.take_secrets();
  apply_egress(request, config.egress, terms.tokens, built.secrets);
  return built;
}

void add_assertion(SourceFingerprint& all, const AssertionConfig& config, const TokenValues& tokens) {
  for (const SecretTemplate* text : {&config.assertion, &config.key}) all.add(text->resolve(&tokens).reveal());
  all.add(name_of(config.algorithm));
  for (const std::string* text : {&config.key_id, &config.issuer, &config.subject, &config.audience}) all.add(*text);
  for (const auto& [name, value] : config.header) {
    all.add(name);
    all.add(value.resolve(&tokens).reveal());
  }
  if (config.claims) all.add(config.claims->resolve(&tokens).reveal());
}

}  // namespace

BuiltRequest build_token_request(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                                 const SecretString& refresh_token, const RequestTerms& terms) {
  const RequestScope scope(terms);
  SecretResolver& resolver = scope.resolver();
  check_request_url(endpoints.token, config.egress, "the token endpoint");
  Parameters form = grant_parameters(config, endpoints, refresh_token, terms, resolver);
  return finish(config, endpoints, Endpoint::token, std::move(form), terms, resolver);
}

BuiltRequest build_revocation_request(const OAuth2SourceConfig& config, const OAuth2Endpoints& endpoints,
                                      const SecretString& token, const RequestTerms& terms) {
  const RequestScope scope(terms);
  SecretResolver& resolver = scope.resolver();
  check_request_url(endpoints.revocation, config.egress, "the revocation endpoint");
  resolver.remember(token);
  Parameters form;
  form.emplace_back("token", token);
  add(form, "token_type_hint", "access_token");
  return finish(config, endpoints, Endpoint::revocation, std::move(form), terms, resolver);
}

std::string fingerprint_of(const OAuth2SourceConfig& config, std::size_t capacity, const TokenValues& of_host) {
  NoRandom no_random;
  const RequestScope tokens({of_host, no_random, WallTime{}});
  SourceFingerprint all("oauth2");
  all.add(std::to_string(static_cast<int>(config.grant)) + std::to_string(static_cast<int>(config.client_auth)));
  for (const SecretTemplate* text : {&config.token_url, &config.client_id, &config.client_secret, &config.refresh_token,
                                     &config.token_exchange.subject_token, &config.token_exchange.actor_token}) {
    all.add(text->resolve(&tokens).reveal());
  }
  add_assertion(all, config.client_assertion, tokens);
  add_assertion(all, config.jwt_bearer, tokens);
  const TokenExchangeConfig& exchange = config.token_exchange;
  for (const std::string* text : {&config.issuer, &config.scope, &config.audience, &exchange.subject_token_type,
                                  &exchange.actor_token_type, &exchange.requested_token_type}) {
    all.add(*text);
  }
  for (const std::string& uri : config.resource) all.add(uri);
  for (const auto& [name, values] : config.params) {
    for (const SecretTemplate& value : values) {
      all.add(name);
      all.add(value.resolve(&tokens).reveal());
    }
  }
  for (const auto& [name, value] : config.headers) {
    all.add(name);
    all.add(value.resolve(&tokens).reveal());
  }
  all.add(config.egress);
  all.add(config.response, capacity);
  return all.text();
}

}  // namespace jeton::agent
