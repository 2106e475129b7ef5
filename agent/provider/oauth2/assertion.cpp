#include "agent/provider/oauth2/assertion.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/config/secrets/json_template.hpp"
#include "agent/jwt/jwt_signer.hpp"

namespace jeton::agent {
namespace {

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

}  // namespace jeton::agent
