#include "agent/provider/oauth2/client_authentication.hpp"

#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/base/error.hpp"
#include "agent/config/secrets/json_template.hpp"
#include "agent/jwt/digest.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {
namespace {

using ClientAuth = OAuth2SourceConfig::ClientAuth;

// An assertion is valid from this much before now by this host's clock, so that a provider whose clock is behind
// accepts it.
constexpr std::chrono::seconds assertion_backdate{10};
constexpr std::size_t jti_bytes = 16;

JsonTemplate text(std::string_view value) { return JsonTemplate(SecretTemplate::literal(std::string(value))); }

JsonTemplate seconds_of(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return JsonTemplate(JsonTemplate::Number{std::to_string(seconds)});
}

SecretString header_of(const AssertionConfig& config, const TokenValues& tokens) {
  JsonTemplate::Object header{{"alg", text(name_of(config.algorithm))}, {"typ", text("JWT")}};
  if (!config.key_id.empty()) header.emplace_back("kid", text(config.key_id));
  for (const auto& [name, value] : config.header) header.emplace_back(name, JsonTemplate(value));
  return JsonTemplate(std::move(header)).resolve(&tokens);
}

SecretString claims_of(const AssertionConfig& config, const AssertionTerms& terms, Random& random,
                       const TokenValues& tokens) {
  const WallTime begin = terms.now - assertion_backdate;
  JsonTemplate::Object claims;
  const auto choose = [&](const char* name, const std::string& configured, const SecretString& otherwise) {
    const std::string_view value = configured.empty() ? otherwise.reveal() : std::string_view(configured);
    if (!value.empty()) claims.emplace_back(name, text(value));
  };
  choose("iss", config.issuer, terms.issuer);
  choose("sub", config.subject, terms.subject);
  choose("aud", config.audience, terms.audience);
  claims.emplace_back("iat", seconds_of(begin));
  claims.emplace_back("nbf", seconds_of(begin));
  claims.emplace_back("exp", seconds_of(terms.now + config.lifetime));
  claims.emplace_back("jti", text(random.hex(jti_bytes)));
  if (config.claims) {
    for (const auto& [name, value] : std::get<JsonTemplate::Object>(config.claims->value())) {
      // A configured `aud` that is a list, for one, takes the place of the text.
      std::erase_if(claims, [&replaced = name](const auto& claim) { return claim.first == replaced; });
      claims.emplace_back(name, value);
    }
  }
  return JsonTemplate(std::move(claims)).resolve(&tokens);
}

// Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1): a colon or a percent sign in a secret
// would mean something else. Some providers do not decode them.
SecretString basic_credentials(const SecretString& id, const SecretString& secret, bool encoded) {
  if (!encoded && id.reveal().find(':') != std::string_view::npos) {
    throw Error("client_id holds a colon, which only client_auth client_secret_basic can send");
  }
  SecretString pair = encoded ? percent_encoded(id.reveal()) : id;
  pair.append(":");
  pair.append(encoded ? percent_encoded(secret.reveal()).reveal() : secret.reveal());
  return base64_encoded(pair.reveal());
}

void add_assertion(Parameters& form, const OAuth2SourceConfig& config, const SecretString& id, AssertionTerms terms,
                   Random& random, SecretResolver& resolver) {
  const bool by_secret = config.client_auth == ClientAuth::client_secret_jwt;
  terms.key = by_secret ? resolver.resolve(config.client_secret, "client_secret")
                        : resolver.resolve(config.client_assertion.key, "key");
  terms.issuer = id;
  terms.subject = id;
  form.emplace_back("client_id", id);
  form.emplace_back("client_assertion_type", SecretString("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
  form.emplace_back("client_assertion", make_assertion(config.client_assertion, terms, random, resolver));
}

}  // namespace

SecretString make_assertion(const AssertionConfig& config, const AssertionTerms& terms, Random& random,
                            SecretResolver& resolver) {
  if (!config.assertion.empty()) return resolver.resolve(config.assertion, "assertion");
  const JwtSigner signer(config.algorithm, terms.key);
  const SecretString header = header_of(config, resolver.tokens());
  const SecretString claims = claims_of(config, terms, random, resolver.tokens());
  if (config.claims) resolver.remember_strings(*config.claims, "");
  SecretString jwt = signer.sign(header.reveal(), claims.reveal());
  resolver.remember(jwt);
  return jwt;
}

void authenticate(HttpRequest& request, Parameters& form, const OAuth2SourceConfig& config, const AssertionTerms& terms,
                  Random& random, SecretResolver& resolver) {
  const SecretString id = resolver.resolve(config.client_id, "client_id");
  switch (config.client_auth) {
    case ClientAuth::client_secret_basic:
    case ClientAuth::client_secret_basic_unencoded: {
      const bool encoded = config.client_auth == ClientAuth::client_secret_basic;
      const SecretString credentials =
          basic_credentials(id, resolver.resolve(config.client_secret, "client_secret"), encoded);
      resolver.remember(credentials);
      SecretString header("Basic ");
      header.append(credentials.reveal());
      request.headers.push_back({"Authorization", std::move(header)});
      break;
    }
    case ClientAuth::client_secret_post:
      form.emplace_back("client_id", id);
      form.emplace_back("client_secret", resolver.resolve(config.client_secret, "client_secret"));
      break;
    case ClientAuth::client_secret_jwt:
    case ClientAuth::private_key_jwt:
      add_assertion(form, config, id, terms, random, resolver);
      break;
    case ClientAuth::tls_client_auth:
    case ClientAuth::none:
      if (!id.empty()) form.emplace_back("client_id", id);
      break;
  }
}

}  // namespace jeton::agent
