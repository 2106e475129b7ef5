// The requests of a source of type oauth2: the parameters of each grant, and the authentication of the client.
#include <nlohmann/json.hpp>

#include "agent/jwt/base64url.hpp"
#include "tests/unit/jwt/jwt_keys.hpp"
#include "tests/unit/provider/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using test::JwtKeys;
using ::testing::HasSubstr;
using ::testing::Not;

struct OAuth2Request : OAuth2Fixture {
  OAuth2Request() { answer(200, good_body); }

  static nlohmann::json part(const std::string& jwt, int index) {
    const std::size_t first = jwt.find('.');
    const std::string text = index == 0 ? jwt.substr(0, first) : jwt.substr(first + 1, jwt.rfind('.') - first - 1);
    return nlohmann::json::parse(base64url_decode(text).value().reveal());
  }
  static std::int64_t seconds(WallTime time) { return to_unix_ms(time) / 1000; }
  static SecretTemplate file(const std::string& path) { return SecretTemplate::parse("${file:" + path + "}"); }

  OAuth2SourceConfig config = client();
  const JwtKeys& keys = JwtKeys::shared();
};

TEST_F(OAuth2Request, GrantIsClientCredentials_OnlyConfiguredParametersAreSent) {
  config.scope = "read write";
  config.audience = "https://api.example.com";
  config.resource = {"https://a.example.com", "https://b.example.com/x?y"};
  config.params["tenant"] = {SecretTemplate::literal("a&b")};
  const FetchedToken token = fetch(config);
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.type, "Bearer");
  EXPECT_EQ(token.expires_at, clock.wall + 60s);
  EXPECT_TRUE(token.state.empty());
  const HttpRequest& request = transport.requests.at(0);
  EXPECT_EQ(request.method, HttpRequest::Method::post);
  EXPECT_EQ(request.url.reveal(), "https://auth.example.com/token");
  EXPECT_EQ(last_header("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(last_form(), (Form{{"grant_type", "client_credentials"},
                               {"scope", "read write"},
                               {"audience", "https://api.example.com"},
                               {"resource", "https://a.example.com"},
                               {"resource", "https://b.example.com/x?y"},
                               {"tenant", "a&b"}}));
}

TEST_F(OAuth2Request, AuthIsBasic_IdAndSecretArePercentEncoded) {
  config.client_id = SecretTemplate::literal("a:b c");
  config.client_secret = SecretTemplate::literal("s%/+=\xc3\xa9");
  static_cast<void>(fetch(config));
  // printf 'a%%3Ab%%20c:s%%25%%2F%%2B%%3D%%C3%%A9' | base64
  EXPECT_EQ(last_header("Authorization"), "Basic YSUzQWIlMjBjOnMlMjUlMkYlMkIlM0QlQzMlQTk=");
  EXPECT_EQ(last_form(), (Form{{"grant_type", "client_credentials"}}));
}

TEST_F(OAuth2Request, AuthIsBasicUnencoded_IdAndSecretAreJoinedUnchanged) {
  config.client_auth = ClientAuth::client_secret_basic_unencoded;
  config.client_id = SecretTemplate::literal("a b");
  config.client_secret = SecretTemplate::literal("s%/+=:\xc3\xa9");
  static_cast<void>(fetch(config));
  // printf 'a b:s%%/+=:\303\251' | base64
  EXPECT_EQ(last_header("Authorization"), "Basic YSBiOnMlLys9OsOp");
  config.client_id = SecretTemplate::literal("a:b");
  EXPECT_THAT(failure(config).what(), HasSubstr("client_id holds a colon"));
}

TEST_F(OAuth2Request, HeadersAndRepeatedParametersAreSet_AreSentEveryTime) {
  config.headers = {{"X-Tenant", SecretTemplate::parse("${file:" + dir.write("tenant", "t7").string() + "}")},
                    {"X-Request-Id", SecretTemplate::parse("${nonce:uuid}")}};
  config.params["aud"] = {SecretTemplate::literal("a"), SecretTemplate::literal("b")};
  config.revoke = true;
  config.revocation_url = SecretTemplate::literal("https://auth.example.com/revoke");
  const auto source = source_by(config);
  const std::string before = source->fingerprint();
  answer(200, good_body);
  static_cast<void>(loop.run(source->fetch({})));
  EXPECT_EQ(last_header("X-Tenant"), "t7");
  EXPECT_EQ(last_form(), (Form{{"grant_type", "client_credentials"}, {"aud", "a"}, {"aud", "b"}}));
  const std::string id = last_header("X-Request-Id");
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(source->fingerprint(), before) << "what is new in every request does not count";
  loop.run(source->revoke(SecretString("old-token")));
  EXPECT_EQ(last_header("X-Tenant"), "t7");
  EXPECT_NE(last_header("X-Request-Id"), id);
  dir.write("tenant", "t8");
  EXPECT_NE(source->fingerprint(), before);
}

TEST_F(OAuth2Request, AuthIsPostOrNone_ClientIsSentInTheForm) {
  config.client_auth = ClientAuth::client_secret_post;
  static_cast<void>(fetch(config));
  EXPECT_EQ(last_header("Authorization"), "");
  EXPECT_EQ(last_form(),
            (Form{{"grant_type", "client_credentials"}, {"client_id", "my-client"}, {"client_secret", "my-secret"}}));
  for (const ClientAuth auth : {ClientAuth::none, ClientAuth::tls_client_auth}) {
    config.client_auth = auth;
    static_cast<void>(fetch(config));
    EXPECT_EQ(last_header("Authorization"), "");
    EXPECT_EQ(last_form(), (Form{{"grant_type", "client_credentials"}, {"client_id", "my-client"}}));
  }
}

TEST_F(OAuth2Request, AuthIsTlsClientAuth_CertificateIsPresented) {
  config.client_auth = ClientAuth::tls_client_auth;
  config.egress.tls.cert_file = "/etc/jeton/client.pem";
  config.egress.tls.key_file = "/etc/jeton/client.key";
  static_cast<void>(fetch(config));
  EXPECT_EQ(transport.requests.at(0).route.tls, config.egress.tls);
}

TEST_F(OAuth2Request, CertificateIsReplaced_FingerprintChanges) {
  config.egress.tls.cert_file = dir.write("client.pem", "one");
  config.egress.tls.key_file = dir.write("client.key", "one");
  const auto source = source_by(config);
  const std::string first = source->fingerprint();
  EXPECT_FALSE(first.empty());
  dir.write("client.pem", "two");
  EXPECT_NE(source->fingerprint(), first);
}

// The remedies that messages of permanent failures name.
TEST_F(OAuth2Request, ConfigurationIsCorrected_FingerprintChanges) {
  const auto fingerprint = [&](const OAuth2SourceConfig& of, std::size_t capacity = 8192) {
    return source_by(of, capacity)->fingerprint();
  };
  const std::string first = fingerprint(config);
  EXPECT_EQ(fingerprint(config), first);
  EXPECT_NE(fingerprint(config, 16384), first);
  OAuth2SourceConfig corrected = config;
  corrected.egress.max_redirects = 3;
  EXPECT_NE(fingerprint(corrected), first);
  corrected = config;
  corrected.response.refresh_token = "/data/refresh_token";
  EXPECT_NE(fingerprint(corrected), first);
  corrected = config;
  corrected.response.error_rules.transient = {"invalid_client"};
  EXPECT_NE(fingerprint(corrected), first);
}

// An operator may be faster than the provider.
TEST_F(OAuth2Request, SecretIsCorrectedBeforeTheRefusal_FailureIsOfTheRequestThatWasSent) {
  config.client_secret = file(dir.write("secret", "wrong").string());
  const auto source = source_by(config);
  const std::string sent = source->fingerprint();
  transport.answer = [&](const HttpRequest&) {
    dir.write("secret", "right");
    return response(401, R"({"error":"invalid_client"})");
  };
  EXPECT_EQ(failure(*source).request(), sent);
  EXPECT_NE(source->fingerprint(), sent);
}

class OAuth2Assertion : public OAuth2Request, public testing::WithParamInterface<JwtAlgorithm> {};

TEST_P(OAuth2Assertion, AttemptIsRepeated_ClientAssertionIsSignedAnew) {
  const JwtAlgorithm algorithm = GetParam();
  const bool by_secret = algorithm == JwtAlgorithm::hs256;
  config.client_auth = by_secret ? ClientAuth::client_secret_jwt : ClientAuth::private_key_jwt;
  config.client_assertion.algorithm = algorithm;
  (by_secret ? config.client_secret : config.client_assertion.key) = file(keys.private_file(algorithm));
  config.client_assertion.key_id = "key-1";
  static_cast<void>(fetch(config));
  const Form first = last_form();
  EXPECT_EQ(value(first, "client_id"), "my-client");
  EXPECT_EQ(value(first, "client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  EXPECT_FALSE(first.contains("client_secret"));
  const std::string jwt = value(first, "client_assertion");
  EXPECT_EQ(keys.verify_by_openssl(algorithm, jwt).status, 0);
  EXPECT_EQ(part(jwt, 0), (nlohmann::json{{"alg", name_of(algorithm)}, {"typ", "JWT"}, {"kid", "key-1"}}));
  nlohmann::json claims = part(jwt, 1);
  const std::string jti = claims["jti"];
  EXPECT_EQ(jti.size(), 32U);
  claims.erase("jti");
  EXPECT_EQ(claims, (nlohmann::json{{"iss", "my-client"},
                                    {"sub", "my-client"},
                                    {"aud", "https://auth.example.com/token"},
                                    {"iat", seconds(clock.wall - 10s)},
                                    {"nbf", seconds(clock.wall - 10s)},
                                    {"exp", seconds(clock.wall + 2min)}}));
  static_cast<void>(fetch(config));
  EXPECT_NE(part(value(last_form(), "client_assertion"), 1)["jti"], jti);
}

INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, OAuth2Assertion,
                         testing::Values(JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::ps256,
                                         JwtAlgorithm::es256, JwtAlgorithm::eddsa, JwtAlgorithm::ed25519),
                         [](const auto& p) { return std::string(name_of(p.param)); });

TEST_F(OAuth2Request, AssertionIsConfigured_HasTheHeaderAndClaims) {
  config.client_auth = ClientAuth::private_key_jwt;
  AssertionConfig& assertion = config.client_assertion;
  assertion.key = file(keys.private_file(JwtAlgorithm::rs256));
  assertion.audience = "https://issuer.example.com";
  assertion.lifetime = 30s;
  assertion.header.emplace("x5t", SecretTemplate::literal("thumb"));
  assertion.claims = JsonTemplate(
      JsonTemplate::Object{{"sub", JsonTemplate(SecretTemplate::literal("other"))}, {"admin", JsonTemplate(true)}});
  static_cast<void>(fetch(config));
  const std::string jwt = value(last_form(), "client_assertion");
  EXPECT_EQ(part(jwt, 0)["x5t"], "thumb");
  const nlohmann::json claims = part(jwt, 1);
  EXPECT_EQ(claims["aud"], "https://issuer.example.com");
  EXPECT_EQ(claims["sub"], "other");
  EXPECT_EQ(claims["admin"], true);
  EXPECT_EQ(claims["exp"], seconds(clock.wall + 30s));
}

TEST_F(OAuth2Request, AssertionComesFromAFile_IsReadForEveryAttempt) {
  config.client_auth = ClientAuth::private_key_jwt;
  config.client_assertion.assertion = file(dir.write("jwt", "aaa.bbb.ccc\n").string());
  static_cast<void>(fetch(config));
  EXPECT_EQ(value(last_form(), "client_assertion"), "aaa.bbb.ccc");
  dir.write("jwt", "ddd.eee.fff\n");
  static_cast<void>(fetch(config));
  EXPECT_EQ(value(last_form(), "client_assertion"), "ddd.eee.fff");
}

TEST_F(OAuth2Request, GrantIsJwtBearer_AssertionNamesIssuerSubjectAndAudience) {
  config.grant = Grant::jwt_bearer;
  config.client_auth = ClientAuth::none;
  config.jwt_bearer.key = file(keys.private_file(JwtAlgorithm::es256));
  config.jwt_bearer.algorithm = JwtAlgorithm::es256;
  config.jwt_bearer.subject = "user@example.com";
  static_cast<void>(fetch(config));
  const Form form = last_form();
  EXPECT_EQ(value(form, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const std::string jwt = value(form, "assertion");
  EXPECT_EQ(keys.verify_by_openssl(JwtAlgorithm::es256, jwt).status, 0);
  EXPECT_EQ(part(jwt, 1)["iss"], "my-client");
  EXPECT_EQ(part(jwt, 1)["sub"], "user@example.com");
  EXPECT_EQ(part(jwt, 1)["aud"], "https://auth.example.com/token");

  config.jwt_bearer.subject.clear();
  static_cast<void>(fetch(config));
  EXPECT_FALSE(part(value(last_form(), "assertion"), 1).contains("sub"));
}

TEST_F(OAuth2Request, GrantIsTokenExchange_SubjectIsATokenOfThisHost) {
  tokens.values["first"] = "subject-value";
  config.grant = Grant::token_exchange;
  config.token_exchange.subject_token = SecretTemplate::parse("${token:first}");
  config.token_exchange.subject_token_type = "urn:ietf:params:oauth:token-type:access_token";
  config.token_exchange.actor_token = SecretTemplate::literal("actor-value");
  config.token_exchange.actor_token_type = "urn:ietf:params:oauth:token-type:jwt";
  config.token_exchange.requested_token_type = "urn:ietf:params:oauth:token-type:access_token";
  const std::string before = source_by(config)->fingerprint();
  static_cast<void>(fetch(config));
  EXPECT_EQ(last_form(), (Form{{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                               {"subject_token", "subject-value"},
                               {"subject_token_type", "urn:ietf:params:oauth:token-type:access_token"},
                               {"actor_token", "actor-value"},
                               {"actor_token_type", "urn:ietf:params:oauth:token-type:jwt"},
                               {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"}}));
  tokens.values["first"] = "another";
  EXPECT_NE(source_by(config)->fingerprint(), before);
  tokens.values.clear();
  EXPECT_THAT(failure(config).what(), HasSubstr("${token:first}"));
}

TEST_F(OAuth2Request, KeyIsReplaced_FingerprintChangesAndIgnoresTheTime) {
  config.client_auth = ClientAuth::private_key_jwt;
  const std::string pem = keys.private_key(JwtAlgorithm::rs256);
  config.client_assertion.key = file(dir.write("key", pem).string());
  const auto source = source_by(config);
  const std::string first = source->fingerprint();
  EXPECT_FALSE(first.empty());
  clock.wall += 1h;
  EXPECT_EQ(source->fingerprint(), first);
  dir.write("key", keys.private_key(JwtAlgorithm::es256));
  EXPECT_NE(source->fingerprint(), first);
  dir.write("key", "no key");
  EXPECT_THAT(failure(config).what(), HasSubstr("PEM"));
}

TEST_F(OAuth2Request, TokenIsRevoked_RequestAuthenticatesLikeAFetch) {
  config.revoke = true;
  config.revocation_url = SecretTemplate::literal("https://auth.example.com/revoke");
  const auto source = source_by(config);
  EXPECT_TRUE(source->revokes());
  answer(200, "");
  loop.run(source->revoke(SecretString("old-token")));
  EXPECT_EQ(transport.requests.back().url.reveal(), "https://auth.example.com/revoke");
  EXPECT_EQ(last_form(), (Form{{"token", "old-token"}, {"token_type_hint", "access_token"}}));
  EXPECT_THAT(last_header("Authorization"), HasSubstr("Basic "));
}

TEST_F(OAuth2Request, RevokedTokenIsUnknown_RevocationSucceeds) {
  config.revoke = true;
  config.revocation_url = SecretTemplate::literal("https://auth.example.com/revoke");
  const auto source = source_by(config);
  answer(400, R"({"error":"invalid_token"})");
  EXPECT_NO_THROW(loop.run(source->revoke(SecretString("old-token"))));
  answer(503, "", "7");
  try {
    loop.run(source->revoke(SecretString("old-token")));
    ADD_FAILURE() << "503 is no success";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.kind(), SourceError::Kind::transient);
    EXPECT_EQ(e.retry_after(), Duration{7s});
  }
  answer(400, R"({"error":"unsupported_token_type","error_description":"old-token my-secret"})");
  try {
    loop.run(source->revoke(SecretString("old-token")));
    ADD_FAILURE() << "a refusal is no success";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.kind(), SourceError::Kind::permanent);
    EXPECT_THAT(e.what(), Not(HasSubstr("old-token")));
    EXPECT_THAT(e.what(), Not(HasSubstr("my-secret")));
  }
}

}  // namespace
}  // namespace jeton::agent
