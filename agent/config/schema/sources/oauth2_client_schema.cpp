// Authentication of a source of type oauth2, and the JWTs that it signs.
#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "agent/config/schema/schema.hpp"
#include "agent/config/schema/sources/source_schema.hpp"

namespace jeton::agent {

namespace {

using namespace std::chrono_literals;
using ClientAuth = OAuth2SourceConfig::ClientAuth;
using Grant = OAuth2SourceConfig::Grant;

constexpr std::array<std::string_view, 4> claims_of_the_agent{"iat", "nbf", "exp", "jti"};
constexpr std::array<std::string_view, 3> header_of_the_agent{"alg", "typ", "kid"};

constexpr std::array<std::pair<std::string_view, ClientAuth>, 7> client_auths{
    {{"client_secret_basic", ClientAuth::client_secret_basic},
     {"client_secret_basic_unencoded", ClientAuth::client_secret_basic_unencoded},
     {"client_secret_post", ClientAuth::client_secret_post},
     {"client_secret_jwt", ClientAuth::client_secret_jwt},
     {"private_key_jwt", ClientAuth::private_key_jwt},
     {"tls_client_auth", ClientAuth::tls_client_auth},
     {"none", ClientAuth::none}}};

std::string auth_name(ClientAuth auth) {
  const auto is = [auth](const auto& entry) { return entry.second == auth; };
  return std::string(std::find_if(client_auths.begin(), client_auths.end(), is)->first);
}

bool uses_secret(ClientAuth auth) {
  return uses_basic(auth) || auth == ClientAuth::client_secret_post || auth == ClientAuth::client_secret_jwt;
}

// An empty client_id is not sent.
bool may_lack_id(ClientAuth auth) { return auth == ClientAuth::none || auth == ClientAuth::tls_client_auth; }

bool has_colon(const SecretTemplate& text) {
  const auto resolved = resolved_now(text);
  return resolved && resolved->reveal().find(':') != std::string_view::npos;
}

// The keys of the authentication method: those it needs, and those it does not use.
void check_auth(const ValueReader& where, const ValueReader& id, const ValueReader& secret,
                const ValueReader& assertion, const OAuth2SourceConfig& config) {
  const std::string needs = "client_auth " + auth_name(config.client_auth) + " needs source.";
  const bool by_jwt =
      config.client_auth == ClientAuth::client_secret_jwt || config.client_auth == ClientAuth::private_key_jwt;
  if (config.client_auth != ClientAuth::none && !id.present()) where.error(needs + "client_id");
  if (uses_secret(config.client_auth) && !secret.present()) {
    where.error(needs + "client_secret, such as ${file:/etc/jeton/client.secret}");
  }
  if (!uses_secret(config.client_auth) && secret.present()) {
    secret.error("source.client_secret is not used with client_auth " + auth_name(config.client_auth) +
                 "; remove it, or set client_auth: client_secret_basic");
  }
  if (!by_jwt && assertion.present()) {
    assertion.error("source.client_assertion is for client_auth: private_key_jwt or client_secret_jwt; set that");
  }
  const AssertionConfig& jwt = config.client_assertion;
  if (config.client_auth == ClientAuth::private_key_jwt && jwt.key.empty() && jwt.assertion.empty()) {
    where.error(needs + "client_assertion.key, the private key in PEM; or client_assertion.assertion");
  }
  if (config.client_auth == ClientAuth::client_secret_jwt && !(jwt.key.empty() && jwt.assertion.empty())) {
    assertion.error(
        "client_auth client_secret_jwt signs with source.client_secret; remove client_assertion.key and "
        "assertion, or set client_auth: private_key_jwt");
  }
  if (config.client_auth == ClientAuth::client_secret_jwt && secret.present()) {
    check_signing_key(secret, config.client_secret, JwtAlgorithm::hs256);
  }
  if (config.client_auth == ClientAuth::client_secret_basic_unencoded && has_colon(config.client_id)) {
    id.refuse(" holds a colon, which only client_auth client_secret_basic can send");
  }
  const ClientTlsConfig& tls = config.egress.tls;
  if (config.client_auth == ClientAuth::tls_client_auth && tls.cert_file.empty()) {
    where.error(needs + "tls.cert_file and tls.key_file, the client's certificate");
  }
}

std::optional<JsonTemplate> read_claims(const ValueReader& value, Reading& reading) {
  auto claims = read_json_template(value, reading);
  if (!claims) return std::nullopt;
  const auto* object = std::get_if<JsonTemplate::Object>(&claims->value());
  if (object == nullptr) return value.refuse(": expected a map of claims; got a list");
  for (const auto& [name, claim] : *object) {
    if (lists(claims_of_the_agent, name)) {
      value.refuse("." + name + " is set by the agent for every attempt; remove it");
    }
  }
  return claims;
}

}  // namespace

AssertionConfig read_assertion(const ValueReader& section, Reading& reading) {
  AssertionConfig config;
  ObjectReader jwt = section.object();
  const ValueReader assertion = jwt.at("assertion");
  const ValueReader key = jwt.at("key");
  const ValueReader header = jwt.at("header");
  assign(config.assertion, assertion.secret(SecretUse::credential));
  config.key = read_key(key, key.secret(SecretUse::credential));
  if (assertion.present() && key.present()) {
    key.error(section.path() + ": key and assertion exclude each other; with assertion the agent signs nothing");
  }
  // The first one, HS256, has no key pair.
  const auto key_pairs = std::span(jwt_algorithms).subspan(1);
  assign(config.algorithm, jwt.at("algorithm").choice<JwtAlgorithm>(key_pairs));
  if (!config.key.empty()) check_signing_key(key, config.key, config.algorithm);
  assign(config.key_id, jwt.at("key_id").text());
  assign(config.issuer, jwt.at("issuer").text());
  assign(config.subject, jwt.at("subject").text());
  assign(config.audience, jwt.at("audience").text());
  assign(config.lifetime, jwt.at("lifetime").duration(10s, 24h));
  config.header = read_fields(header, SecretUse::json);
  if (reading.paths == nullptr) {
    for (const Member& member : header.members()) {
      if (!lists(header_of_the_agent, member.name)) continue;
      reading.problems.error(member.place, header.path() + "." + member.name +
                                               " is set by the agent from algorithm and key_id; remove it");
    }
  }
  config.claims = read_claims(jwt.at("claims"), reading);
  jwt.finish();
  return config;
}

void read_oauth2_client(ObjectReader& source, OAuth2SourceConfig& config, bool grant_known, Reading& reading) {
  const ValueReader id = source.at("client_id");
  const ValueReader secret = source.at("client_secret");
  const ValueReader auth = source.at("client_auth");
  const ValueReader assertion = source.at("client_assertion");
  // Some clients have an empty one, as `cf` at Cloud Foundry's UAA.
  assign(config.client_secret, secret.secret(SecretUse::credential));
  config.client_assertion = read_assertion(assertion, reading);
  const auto chosen = auth.choice<ClientAuth>(client_auths);
  config.client_auth = chosen.value_or(secret.present() ? ClientAuth::client_secret_basic : ClientAuth::none);
  assign(config.client_id, may_lack_id(config.client_auth) ? id.secret(SecretUse::credential) : id.filled_secret());
  if (!source.present() || !grant_known || (auth.present() && !chosen)) return;
  if (config.client_auth == ClientAuth::client_secret_jwt) config.client_assertion.algorithm = JwtAlgorithm::hs256;
  const bool alone = !auth.present() && !secret.present();
  if (alone && config.grant == Grant::client_credentials) {
    reading.problems.error(source.place(), source.path() +
                                               ": grant client_credentials needs a client that authenticates; set "
                                               "client_id and client_secret, or client_auth");
    return;
  }
  if (config.client_auth == ClientAuth::none && config.grant == Grant::client_credentials) {
    auth.error("grant client_credentials needs a client that authenticates; set another client_auth than none");
    return;
  }
  const ValueReader& where = auth.present() ? auth : secret.present() ? secret : assertion;
  check_auth(where, id, secret, assertion, config);
}

}  // namespace jeton::agent
