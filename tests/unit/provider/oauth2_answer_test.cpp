// The reading of answers by a source of type oauth2: errors of RFC 6749 section 5.2, lifetimes, discovery.
#include "agent/provider/oauth2/discovery.hpp"
#include "tests/unit/jwt/jwt_until.hpp"
#include "tests/unit/provider/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;
using test::jwt_until;

using OAuth2Answer = OAuth2Fixture;

TEST_F(OAuth2Answer, CodeIsOfTheStandard_IsPermanentIn4xxAnd200) {
  for (const char* code : {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
                           "unsupported_grant_type", "invalid_scope", "invalid_target"}) {
    for (const int status : {400, 401, 403, 200}) {
      answer(status, std::string(R"({"error":")") + code + R"(","error_description":"said so"})", "30");
      const SourceError e = failure(client());
      EXPECT_EQ(e.kind(), Kind::permanent) << code << status;
      EXPECT_EQ(e.retry_after(), Duration{30s});
      EXPECT_THAT(e.what(), HasSubstr("https://auth.example.com/token answered " + std::to_string(status) +
                                      " (/error " + code + ": \"said so\"); "));
      EXPECT_FALSE(e.request().empty());
    }
  }
}

TEST_F(OAuth2Answer, StatusIs429Or5xx_IsTransientWhateverTheCode) {
  for (const int status : {429, 500, 503}) {
    answer(status, R"({"error":"invalid_client"})", "30");
    const SourceError e = failure(client());
    EXPECT_EQ(e.kind(), Kind::transient) << status;
    EXPECT_EQ(e.retry_after(), Duration{30s}) << status;
  }
}

TEST_F(OAuth2Answer, CodeIsUnknown_StatusDecides) {
  answer(400, R"({"error":"temporarily_unavailable"})", "5");
  EXPECT_EQ(failure(client()).kind(), Kind::transient);
  EXPECT_EQ(failure(client()).retry_after(), Duration{5s});
  answer(403, R"({"error":"access_denied"})");
  EXPECT_EQ(failure(client()).kind(), Kind::permanent);
  answer(200, R"({"error":"odd"})");
  EXPECT_EQ(failure(client()).kind(), Kind::transient);
  answer(400, R"({"error":{"code":190}})");
  EXPECT_EQ(failure(client()).kind(), Kind::permanent);
  answer(401, "<html>");
  EXPECT_EQ(failure(client()).kind(), Kind::permanent);
  answer(200, "<html>");
  EXPECT_EQ(failure(client()).kind(), Kind::transient);
}

TEST_F(OAuth2Answer, DescriptionHasSecrets_IsShownWithoutThem) {
  OAuth2SourceConfig config = client();
  config.client_secret = SecretTemplate::parse("${file:" + dir.write("secret", "p@ss w0rd").string() + "}");
  // printf 'my-client:p%%40ss%%20w0rd' | base64
  const std::string basic = "bXktY2xpZW50OnAlNDBzcyUyMHcwcmQ=";
  answer(401, R"({"error":"invalid_client","error_description":"p@ss w0rd p%40ss%20w0rd )" + basic + R"("})");
  const SourceError e = failure(config);
  EXPECT_THAT(e.what(), HasSubstr("*** *** ***"));
  EXPECT_THAT(e.what(), Not(HasSubstr("w0rd")));
  EXPECT_EQ(transport.requests.back().headers.back().value.reveal(), "Basic " + basic);
}

TEST_F(OAuth2Answer, LifetimeIsMissing_EarlierOfDefaultAndJwtExpCounts) {
  OAuth2SourceConfig config = client();
  answer(200, R"({"access_token":"opaque"})");
  EXPECT_THAT(failure(config).what(), HasSubstr("response.default_lifetime"));
  config.response.default_lifetime = 10min;
  EXPECT_EQ(fetch(config).expires_at, clock.wall + 10min);
  answer(200, R"({"access_token":")" + jwt_until(clock.wall + 5min) + R"("})");
  EXPECT_EQ(fetch(config).expires_at, clock.wall + 5min);
  config.response.default_lifetime = 1min;
  EXPECT_EQ(fetch(config).expires_at, clock.wall + 1min);
  config.response.default_lifetime.reset();
  EXPECT_EQ(fetch(config).expires_at, clock.wall + 5min);
  answer(200, R"({"expires_in":60,"access_token":")" + jwt_until(clock.wall + 5min) + R"("})");
  EXPECT_EQ(fetch(config).expires_at, clock.wall + 60s);
  answer(200, R"({"access_token":")" + jwt_until(clock.wall - 5min) + R"("})");
  EXPECT_EQ(failure(config).kind(), Kind::transient);
}

TEST_F(OAuth2Answer, TypeIsNotBearer_IsKept) {
  answer(200, R"({"access_token":"t","token_type":"DPoP","expires_in":60})");
  EXPECT_EQ(fetch(client()).type, "DPoP");
}

TEST_F(OAuth2Answer, TokenExceedsTheCapacity_ErrorNamesTheSetting) {
  answer(200, R"({"expires_in":60,"access_token":")" + std::string(9000, 'x') + "\"}");
  const SourceError e = failure(client());
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("raise tokens.t.capacity"));
}

TEST(DiscoveryPlaces, IssuerIsGiven_UrlsAreThoseOfBothStandards) {
  EXPECT_EQ(oauth_metadata_url("https://a.example.com"),
            "https://a.example.com/.well-known/oauth-authorization-server");
  EXPECT_EQ(oauth_metadata_url("https://a.example.com/"),
            "https://a.example.com/.well-known/oauth-authorization-server");
  EXPECT_EQ(oauth_metadata_url("https://a.example.com/tenant/x"),
            "https://a.example.com/.well-known/oauth-authorization-server/tenant/x");
  EXPECT_EQ(oauth_metadata_url("https://a.example.com:8443/tenant/"),
            "https://a.example.com:8443/.well-known/oauth-authorization-server/tenant");
  EXPECT_EQ(openid_metadata_url("https://a.example.com/tenant/"),
            "https://a.example.com/tenant/.well-known/openid-configuration");
}

struct OAuth2Discovery : OAuth2Fixture {
  OAuth2Discovery() {
    config = client();
    config.token_url = {};
    config.issuer = "https://id.example.com/t";
    transport.answer = [this](const HttpRequest& request) {
      const std::string url(request.url.reveal());
      if (url == "https://id.example.com/t/.well-known/openid-configuration" && !document.empty()) {
        ++reads;
        return response(200, document);
      }
      if (url.find("oauth-authorization-server") != std::string::npos) {
        if (first_fails) throw HttpError(*first_fails, "as the test says");
        if (!first.empty()) return response(200, first);
      }
      if (url.find(".well-known") != std::string::npos) return response(missing, "");
      asked.push_back(url);
      return endpoint;
    };
  }
  OAuth2SourceConfig config;
  std::string document = R"({"issuer":"https://id.example.com/t","token_endpoint":"https://id.example.com/token",
    "revocation_endpoint":"https://id.example.com/revoke",
    "mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example.com/token"}})";
  std::string first;  // the document at the first place
  std::optional<HttpError::Reason> first_fails;
  int missing = 404;
  HttpResponse endpoint = response(200, good_body);
  int reads = 0;
  std::vector<std::string> asked;
};

TEST_F(OAuth2Discovery, DocumentWasRead_IsKeptForAnHour) {
  const auto source = source_by(config);
  EXPECT_EQ(source->describe(), "https://id.example.com/t");
  static_cast<void>(loop.run(source->fetch({})));
  clock.boot += 59min;
  static_cast<void>(loop.run(source->fetch({})));
  EXPECT_EQ(reads, 1);
  clock.boot += 2min;
  static_cast<void>(loop.run(source->fetch({})));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(asked, std::vector<std::string>(3, "https://id.example.com/token"));
}

TEST_F(OAuth2Discovery, EndpointFails_DocumentIsReadAgain) {
  const auto source = source_by(config);
  static_cast<void>(loop.run(source->fetch({})));
  endpoint.status = 404;
  EXPECT_THROW(static_cast<void>(loop.run(source->fetch({}))), SourceError);
  EXPECT_EQ(reads, 1);
  document = R"({"issuer":"https://id.example.com/t","token_endpoint":"https://id.example.com/moved"})";
  endpoint.status = 200;
  static_cast<void>(loop.run(source->fetch({})));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(asked.back(), "https://id.example.com/moved");
  document.clear();
  clock.boot += 2h;
  static_cast<void>(loop.run(source->fetch({})));
  EXPECT_EQ(asked.back(), "https://id.example.com/moved");
}

TEST_F(OAuth2Discovery, ClientHasACertificate_MtlsAliasIsUsed) {
  config.egress.tls.cert_file = dir.write("client.pem", "certificate");
  config.egress.tls.key_file = dir.write("client.key", "key");
  config.client_auth = ClientAuth::tls_client_auth;
  config.client_secret = {};
  static_cast<void>(fetch(config));
  EXPECT_EQ(asked.back(), "https://mtls.example.com/token");
  // For a token that is bound to the certificate (RFC 8705 section 3), however the client authenticates.
  config.client_auth = ClientAuth::client_secret_basic;
  config.client_secret = client().client_secret;
  static_cast<void>(fetch(config));
  EXPECT_EQ(asked.back(), "https://mtls.example.com/token");
}

TEST_F(OAuth2Discovery, TokenIsRevoked_EndpointIsThatOfTheDocument) {
  config.revoke = true;
  const auto source = source_by(config);
  loop.run(source->revoke(SecretString("old")));
  EXPECT_EQ(asked.back(), "https://id.example.com/revoke");
  document = R"({"issuer":"https://id.example.com/t","token_endpoint":"https://id.example.com/token"})";
  const auto without = source_by(config);
  EXPECT_THROW(loop.run(without->revoke(SecretString("old"))), SourceError);
}

constexpr const char* first_place = "https://id.example.com/.well-known/oauth-authorization-server/t";
constexpr const char* second_place = "https://id.example.com/t/.well-known/openid-configuration";
constexpr const char* of_another =
    R"({"issuer":"https://evil.example.com","token_endpoint":"https://evil.example.com/token"})";

TEST_F(OAuth2Discovery, DocumentIsOfAnotherIssuer_IsRefused) {
  document = of_another;
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr(std::string(first_place) + " answered 404, " + second_place +
                                  " answered 200 (it is of the issuer \"https://evil.example.com\"); if one of these"));
  EXPECT_TRUE(asked.empty());
}

// A server of many issuers that has its own document at the first place.
TEST_F(OAuth2Discovery, FirstPlaceIsOfAnotherIssuer_SecondIsAskedToo) {
  first = of_another;
  static_cast<void>(fetch(config));
  EXPECT_EQ(asked, std::vector<std::string>{"https://id.example.com/token"});
  for (const char* nameless : {R"({"error":"not found"})", R"({"issuer":7})"}) {
    first = nameless;
    static_cast<void>(fetch(config));
    EXPECT_EQ(asked.back(), "https://id.example.com/token") << nameless;
  }
  asked.clear();

  first = of_another;
  document = of_another;
  const SourceError both = failure(config);
  EXPECT_EQ(both.kind(), Kind::permanent);
  EXPECT_THAT(both.what(), HasSubstr(std::string(first_place) + " answered 200 (it is of the issuer"));
  EXPECT_THAT(both.what(), HasSubstr(std::string(second_place) + " answered 200 (it is of the issuer"));
  first = "<html>sign in</html>";
  EXPECT_EQ(failure(config).kind(), Kind::permanent) << "a page says nothing, and the document needs a person";
  first = of_another;
  document.clear();
  missing = 503;
  EXPECT_EQ(failure(config).kind(), Kind::transient) << "the second place may have ours";
  EXPECT_TRUE(asked.empty());
}

// A web application that redirects every path to the form of another host.
TEST_F(OAuth2Discovery, FirstPlaceCannotBeRead_SecondIsAskedToo) {
  for (const auto reason : {HttpError::Reason::redirect, HttpError::Reason::too_large}) {
    first_fails = reason;
    static_cast<void>(fetch(config));
    EXPECT_EQ(asked.back(), "https://id.example.com/token");
  }
  document.clear();
  first_fails = HttpError::Reason::redirect;
  EXPECT_EQ(failure(config).kind(), Kind::permanent);
  EXPECT_THAT(failure(config).what(), HasSubstr("as the test says, " + std::string(second_place) + " answered 404"));
  first_fails = HttpError::Reason::connect;
  const auto before = transport.requests.size();
  EXPECT_EQ(failure(config).kind(), Kind::transient);
  EXPECT_EQ(transport.requests.size(), before + 1) << "the server of both";
}

TEST_F(OAuth2Discovery, SecondPlaceCannotBeReached_WhatTheFirstSaidIsNamed) {
  first = of_another;
  const auto usual = transport.answer;
  transport.answer = [usual](const HttpRequest& request) {
    if (request.url.reveal() == second_place) throw HttpError(HttpError::Reason::connect, "no connection");
    return usual(request);
  };
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_EQ(
      std::string(e.what()),
      std::string(first_place) + " answered 200 (it is of the issuer \"https://evil.example.com\"), no connection");
}

TEST_F(OAuth2Discovery, EndpointIsPlainHttpOrMissing_IsRefused) {
  document = R"({"issuer":"https://id.example.com/t","token_endpoint":"http://id.example.com/token"})";
  EXPECT_THAT(failure(config).what(), HasSubstr("use https://"));
  document = R"({"issuer":"https://id.example.com/t"})";
  EXPECT_THAT(failure(config).what(), HasSubstr("set source.token_url"));
  EXPECT_TRUE(asked.empty());
}

TEST_F(OAuth2Discovery, StatusHasARule_RuleCounts) {
  document.clear();
  config.response.error_rules.transient_status = {404};
  EXPECT_EQ(failure(config).kind(), Kind::transient) << "a service that is starting";
}

// A web application that sends its page for every path.
TEST_F(OAuth2Discovery, FirstPlaceHasAPage_SecondIsAskedToo) {
  first = "<html>sign in</html>";
  static_cast<void>(fetch(config));
  EXPECT_EQ(asked.back(), "https://id.example.com/token");
  document.clear();
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::transient) << "a page of maintenance";
  EXPECT_THAT(e.what(), HasSubstr("oauth-authorization-server/t answered 200 (the provider's answer is not JSON"));
  EXPECT_THAT(e.what(), HasSubstr("openid-configuration answered 404"));
}

TEST_F(OAuth2Discovery, DocumentIsMissing_ErrorNamesBothPlaces) {
  document.clear();
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), HasSubstr("https://id.example.com/.well-known/oauth-authorization-server/t answered 404"));
  EXPECT_THAT(e.what(), HasSubstr("https://id.example.com/t/.well-known/openid-configuration answered 404"));
}

}  // namespace
}  // namespace jeton::agent
