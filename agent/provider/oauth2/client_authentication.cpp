#include "agent/provider/oauth2/client_authentication.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/jwt/digest.hpp"

namespace jeton::agent {
namespace {

using ClientAuth = OAuth2SourceConfig::ClientAuth;

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
