// A source of type oauth2 against oauth2-mock-server: every grant and client authentication, refusals, Retry-After,
// clocks that differ, keys that are replaced.
#include "tests/integration/oauth2/mock_server.hpp"

#include <gmock/gmock.h>

#include "tests/support/certificates.hpp"
#include "tests/unit/jwt/jwt_keys.hpp"
#include "tests/unit/provider/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::MockServer;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

constexpr const char* odd_secret = "s3cr3t: %+/= \xc3\xa9 that is long enough";

class MockedOAuth2 : public OAuth2Fixture {
 protected:
  void SetUp() override {
    if (const std::string why = MockServer::missing(); !why.empty()) GTEST_SKIP() << why;
    server = std::make_unique<MockServer>();
    config = client();
    config.token_url = {};
    config.issuer = server->url();
    config.client_id = SecretTemplate::literal("client: 1");
    config.client_secret = SecretTemplate::parse("${file:" + dir.write("secret", odd_secret).string() + "}");
    let_in("client_secret_basic");
  }

  void let_in(const std::string& auth, json more = json::object()) {
    known = {{"id", "client: 1"}, {"secret", odd_secret}, {"auth", auth}};
    known.update(more);
    server->control({{"client", known}});
  }
  // The next answers of the server's event beforeResponse.
  void inject(int status, const json& body, const json& headers = json::object(), int times = 1) {
    server->control({{"reply", {{"status", status}, {"body", body}, {"headers", headers}, {"times", times}}}});
  }

  std::unique_ptr<Source> source_at_server() {
    return make_source(test::token_by(config), {http, loop.timers, tokens, loop.random});
  }
  FetchedToken fetch_here(const SecretString& state = SecretString()) {
    return loop.run(source_at_server()->fetch({state}));
  }
  SourceError failure_here(const SecretString& state = SecretString()) {
    try {
      static_cast<void>(fetch_here(state));
    } catch (const SourceError& e) {
      EXPECT_THAT(e.what(), Not(HasSubstr("s3cr3t")));
      return e;
    }
    ADD_FAILURE() << "the fetch did not fail";
    return {Kind::transient, ""};
  }
  void expect_a_token() {
    const FetchedToken token = fetch_here();
    EXPECT_EQ(token.type, "Bearer");
    const json claims = server->verified(token.value.reveal());
    EXPECT_EQ(claims.value("iss", ""), server->url());
    // The answer says how long, counted from the request.
    // Its own `exp` is in whole seconds, and the earlier of the two ends counts.
    EXPECT_GT(token.expires_at - token.issued_at, 3599s);
    EXPECT_LE(token.expires_at - token.issued_at, 3600s);
  }
  void sign_by(AssertionConfig& assertion, JwtAlgorithm algorithm) {
    assertion.algorithm = algorithm;
    assertion.key = SecretTemplate::parse("${file:" + test::JwtKeys::shared().private_file(algorithm) + "}");
  }
  static json public_key(JwtAlgorithm algorithm) {
    const char* file = algorithm == JwtAlgorithm::es256   ? "ec.pub"
                       : algorithm == JwtAlgorithm::eddsa ? "ed.pub"
                                                          : "rsa.pub";
    return {{"key", test::read_file(test::JwtKeys::shared().file(file))}, {"algorithm", name_of(algorithm)}};
  }

  HttpClient http;
  std::unique_ptr<MockServer> server;
  OAuth2SourceConfig config;
  json known;
};

TEST_F(MockedOAuth2, ClientHasASecret_IsAuthenticatedByEveryMethod) {
  expect_a_token();
  config.client_auth = ClientAuth::client_secret_post;
  let_in("client_secret_post");
  expect_a_token();
  config.client_auth = ClientAuth::client_secret_jwt;
  config.client_assertion.algorithm = JwtAlgorithm::hs256;
  let_in("client_secret_jwt", {{"algorithm", "HS256"}});
  expect_a_token();
  expect_a_token();  // an assertion is taken only once
}

TEST_F(MockedOAuth2, ClientHasAKeyOfAnyKind_IsAuthenticatedAlsoWhenReplaced) {
  config.client_auth = ClientAuth::private_key_jwt;
  config.client_secret = {};
  for (const JwtAlgorithm algorithm :
       {JwtAlgorithm::rs256, JwtAlgorithm::ps256, JwtAlgorithm::es256, JwtAlgorithm::eddsa}) {
    sign_by(config.client_assertion, algorithm);
    let_in("private_key_jwt", public_key(algorithm));
    expect_a_token();
  }
  config.client_assertion.algorithm = JwtAlgorithm::rs256;
  const auto file = dir.write("key.pem", test::JwtKeys::shared().private_key(JwtAlgorithm::rs256));
  config.client_assertion.key = SecretTemplate::parse("${file:" + file.string() + "}");
  const test::JwtKeys others("another");
  let_in("private_key_jwt", {{"key", test::read_file(others.file("rsa.pub"))}, {"algorithm", "RS256"}});
  const SourceError e = failure_here();
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("answered 401 (/error invalid_client: \"signature verification failed\")"));
  dir.write("key.pem", others.private_key(JwtAlgorithm::rs256));
  expect_a_token();
}

TEST_F(MockedOAuth2, ClientHasACertificate_IsAuthenticated) {
  const test::Authority authority;
  const test::IssuedCertificate own = authority.issue({.names = {"IP:127.0.0.1"}});
  const test::IssuedCertificate clients = authority.issue({.names = {"DNS:client"}});
  const std::string ca = dir.write("ca.pem", authority.pem()).string();
  MockServer tls({dir.write("server.pem", own.certificate).string(), dir.write("server.key", own.key).string(), ca});
  tls.control({{"client", {{"id", "client-1"}, {"auth", "tls_client_auth"}, {"subject", "DNS:client"}}}});
  config.issuer = tls.url();
  config.client_id = SecretTemplate::literal("client-1");
  config.client_secret = {};
  config.client_auth = ClientAuth::tls_client_auth;
  config.egress.tls.ca_file = ca;
  EXPECT_THAT(failure_here().what(), HasSubstr("invalid_client"));
  config.egress.tls.cert_file = dir.write("client.pem", clients.certificate);
  config.egress.tls.key_file = dir.write("client.key", clients.key);
  EXPECT_FALSE(tls.verified(fetch_here().value.reveal()).is_null());
}

TEST_F(MockedOAuth2, GrantIsJwtBearer_AssertionIsExchangedForAToken) {
  config.grant = Grant::jwt_bearer;
  config.client_auth = ClientAuth::none;
  config.client_secret = {};
  sign_by(config.jwt_bearer, JwtAlgorithm::rs256);
  config.jwt_bearer.subject = "user@example.com";
  json terms = public_key(JwtAlgorithm::rs256);
  terms["subject"] = "user@example.com";
  let_in("none", terms);
  expect_a_token();
  config.jwt_bearer.subject = "another@example.com";
  const SourceError e = failure_here();
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr(R"(invalid_grant: "unexpected "sub" claim value")"));
}

TEST_F(MockedOAuth2, GrantIsTokenExchange_TokenOfThisHostIsExchanged) {
  tokens.values["first"] = std::string(fetch_here().value.reveal());
  config.grant = Grant::token_exchange;
  config.token_exchange.subject_token = SecretTemplate::parse("${token:first}");
  config.token_exchange.subject_token_type = "urn:ietf:params:oauth:token-type:access_token";
  expect_a_token();
  tokens.values["first"] += "x";
  EXPECT_THAT(failure_here().what(), HasSubstr("invalid_grant"));
}

TEST_F(MockedOAuth2, GrantIsRefreshToken_RefreshTokenIsRotated) {
  config.grant = Grant::refresh_token;
  config.refresh_token = SecretTemplate::parse("${file:" + dir.write("refresh", "s3cr3t-first").string() + "}");
  SecretString state;
  for (int i = 0; i < 3; ++i) state = fetch_here(state).state;
  std::vector<std::string> presented;
  for (const json& request : server->seen()) {
    if (request["path"] == "/token") presented.push_back(request["form"]["refresh_token"]);
  }
  ASSERT_EQ(presented.size(), 3U);
  EXPECT_EQ(presented[0], "s3cr3t-first");
  EXPECT_NE(presented[1], presented[0]);
  EXPECT_NE(presented[2], presented[1]);
  inject(400, {{"error", "invalid_grant"}}, {}, 2);
  const SourceError e = failure_here(state);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("put a new one into"));
}

TEST_F(MockedOAuth2, ServerRefuses_ErrorIsPermanentAndHidesTheSecret) {
  for (const char* code : {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
                           "unsupported_grant_type", "invalid_scope", "invalid_target"}) {
    for (const int status : {400, 200}) {
      inject(status, {{"error", code}, {"error_description", std::string("about ") + odd_secret}});
      const SourceError e = failure_here();
      EXPECT_EQ(e.kind(), Kind::permanent) << code;
      EXPECT_THAT(e.what(), HasSubstr(std::string(code) + ": \"about ***\""));
    }
  }
  config.client_secret = SecretTemplate::literal("wrong");
  EXPECT_THAT(failure_here().what(), HasSubstr("answered 401 (/error invalid_client"));
}

TEST_F(MockedOAuth2, RetryAfterIsSent_ErrorCarriesThePause) {
  for (const int status : {429, 503}) {
    inject(status, {{"error", "temporarily_unavailable"}}, {{"Retry-After", "17"}});
    const SourceError e = failure_here();
    EXPECT_EQ(e.kind(), Kind::transient);
    EXPECT_EQ(e.retry_after(), Duration{17s});
  }
  expect_a_token();
}

TEST_F(MockedOAuth2, ClocksDifferByAMinute_AssertionIsAccepted) {
  config.client_auth = ClientAuth::private_key_jwt;
  config.client_secret = {};
  sign_by(config.client_assertion, JwtAlgorithm::es256);
  let_in("private_key_jwt", public_key(JwtAlgorithm::es256));
  for (const int skew : {-7, 60}) {
    server->control({{"skew", skew}});
    expect_a_token();
  }
  server->control({{"skew", 600}});
  EXPECT_THAT(failure_here().what(), HasSubstr("invalid_client"));
}

TEST_F(MockedOAuth2, AnswerHasNoExpiresIn_LifetimeIsThatOfTheToken) {
  const auto until = std::chrono::floor<std::chrono::seconds>(loop.clock.wall_now()) + 10min;
  server->control({{"drop_expires_in", true}, {"claims", {{"exp", until.time_since_epoch().count()}}}});
  EXPECT_EQ(fetch_here().expires_at, until);
}

TEST_F(MockedOAuth2, ServerKeyIsRotated_OldAndNewTokensAreVerified) {
  const FetchedToken before = fetch_here();
  server->control({{"rotate", true}});
  const FetchedToken after = fetch_here();
  const auto header = [](const FetchedToken& token) {
    const std::string_view text = token.value.reveal();
    return json::parse(base64url_decode(text.substr(0, text.find('.'))).value().reveal());
  };
  EXPECT_NE(header(before)["kid"], header(after)["kid"]);
  EXPECT_FALSE(server->verified(before.value.reveal()).is_null());
  EXPECT_FALSE(server->verified(after.value.reveal()).is_null());
}

TEST_F(MockedOAuth2, RevocationEndpointIsDiscovered_TokenIsRevokedThere) {
  config.revoke = true;
  const auto source = source_at_server();
  loop.run(source->revoke(SecretString("old-token")));
  const json last = server->seen().back();
  EXPECT_EQ(last["path"], "/revoke");
  EXPECT_EQ(last["form"]["token"], "old-token");
  inject(503, json::object(), {{"Retry-After", "9"}});
  try {
    loop.run(source->revoke(SecretString("old-token")));
    ADD_FAILURE() << "503 is no success";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.retry_after(), Duration{9s});
  }
}

}  // namespace
}  // namespace jeton::agent
