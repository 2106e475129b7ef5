// What becomes of the chain of refresh tokens when an answer is not as expected: nothing that a provider gave is lost.
#include "agent/source/refresh_chain.hpp"
#include "tests/unit/source/oauth2_fixture.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

class RefreshAnswer : public OAuth2Fixture {
 protected:
  RefreshAnswer() {
    config = client();
    config.grant = Grant::refresh_token;
    config.refresh_token = SecretTemplate::literal("r0");
  }
  void answer_with(const std::string& body, std::vector<HttpHeader> headers = {}) {
    transport.answer = [=](const HttpRequest&) {
      HttpResponse made = response(200, body);
      made.headers = headers;
      return made;
    };
  }
  // The refresh token that the next fetch presents first.
  std::string next_of(const SecretString& state) const {
    return std::string(RefreshChain(state, SecretString("r0")).candidates().front().reveal());
  }
  OAuth2SourceConfig config;
};

TEST_F(RefreshAnswer, PlaceIsConfigured_ChainGoesOn) {
  config.response.token = "/data/access_token";
  config.response.expires_in = "/data/expires_in";
  config.response.refresh_token = "/data/refresh_token";
  answer_with(R"({"data":{"access_token":"t1","expires_in":60,"refresh_token":"r1"}})");
  const FetchedToken token = fetch(config);
  EXPECT_EQ(next_of(token.state), "r1");
  static_cast<void>(fetch(config, token.state));
  EXPECT_EQ(value(last_form(), "refresh_token"), "r1");
}

TEST_F(RefreshAnswer, RefreshTokenStandsElsewhere_IsAnErrorAtOnceAndTheChainIsKept) {
  answer_with(R"({"access_token":"t1","expires_in":60,"data":[{"refreshToken":"r1-SECRET"}]})");
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("response.refresh_token: /data/0/refreshToken"), Not(HasSubstr("SECRET"))));
  EXPECT_EQ(next_of(e.state()), "r1-SECRET");
  EXPECT_TRUE(e.unread_answer().empty());
}

TEST_F(RefreshAnswer, RefreshTokenIsNoText_IsAnErrorAndTheAnswerIsKept) {
  answer_with(R"({"access_token":"t1","expires_in":60,"refresh_token":{"value":"r1-SECRET"}})");
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_THAT(e.what(), AllOf(HasSubstr("refresh token (/refresh_token)"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));
}

TEST_F(RefreshAnswer, HasNoRefreshToken_TheOneThatWasUsedGoesOn) {
  answer_with(good_body);
  EXPECT_EQ(next_of(fetch(config).state), "r0");
}

TEST_F(RefreshAnswer, CannotBeRead_NeedsAPersonAndItsBytesAreKept) {
  for (const char* body : {"cb({\"refresh_token\":\"r1-SECRET\"})", "<html>r1-SECRET</html>", "refresh_token=r1-SECRET",
                           "{\"refresh_token\":\"r1-SECRET\"", "\"r1-SECRET\"", "{\"a\":\"r1-SECRET\",\"a\":1}"}) {
    answer_with(body, {{"Content-Type", SecretString("text/plain")}, {"X-Other", SecretString("not kept")}});
    const SourceError e = failure(config);
    EXPECT_EQ(e.kind(), Kind::permanent) << body << ": the same request again could end the chain";
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
    EXPECT_EQ(e.unread_answer().reveal(), "status 200\nContent-Type: text/plain\n\n" + std::string(body));
    EXPECT_TRUE(e.state().empty()) << "what was there still holds";
  }
}

TEST_F(RefreshAnswer, HasACodingThatIsUnknown_BytesAreKeptAsTheyCame) {
  answer_with("\x0b\x02\x80{}\x03", {{"Content-Encoding", SecretString("br")}});
  const SourceError e = failure(config);
  EXPECT_THAT(e.what(), HasSubstr("is coded as br"));
  EXPECT_EQ(e.unread_answer().reveal(), "status 200\nContent-Encoding: br\n\n\x0b\x02\x80{}\x03");
}

TEST_F(RefreshAnswer, HasNoTokenAndNoRefreshToken_IsKeptToo) {
  answer_with(R"({"rt":"r1-SECRET"})");
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));
}

TEST_F(RefreshAnswer, IsAForm_ChainGoesOn) {
  answer_with("access_token=t1&expires_in=60&refresh_token=r%2B1",
              {{"Content-Type", SecretString("application/x-www-form-urlencoded")}});
  EXPECT_EQ(next_of(fetch(config).state), "r+1");
}

TEST_F(RefreshAnswer, EndsInTheMiddle_WhatCameIsKept) {
  transport.answer = [](const HttpRequest&) -> HttpResponse {
    throw HttpError(HttpError::Reason::broken, "it broke", response(200, R"({"refresh_token":"r1-SECRET")"));
  };
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));
}

TEST_F(RefreshAnswer, OfAnotherGrantCannotBeRead_NothingIsKept) {
  answer_with("<html>");
  const SourceError e = failure(client());
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_TRUE(e.unread_answer().empty());
}

TEST_F(RefreshAnswer, ProviderRefuses_NothingIsKept) {
  answer(400, R"({"error":"invalid_grant"})");
  EXPECT_TRUE(failure(config).unread_answer().empty());
  answer_with(R"({"error":"odd"})");
  EXPECT_TRUE(failure(config).unread_answer().empty());
}

// error_rules of an oauth2 source.
TEST_F(RefreshAnswer, ErrorRules_SayWhatACodeOrAStatusMeans) {
  OAuth2SourceConfig ruled = client();
  ruled.response.error_rules.transient = {"invalid_client"};
  ruled.response.error_rules.permanent = {"odd"};
  ruled.response.error_rules.transient_status = {404};
  answer(401, R"({"error":"invalid_client"})");
  EXPECT_EQ(failure(ruled).kind(), Kind::transient);
  answer(200, R"({"error":"odd"})");
  EXPECT_EQ(failure(ruled).kind(), Kind::permanent);
  answer(404, "", "30");
  EXPECT_EQ(failure(ruled).kind(), Kind::transient);
  EXPECT_EQ(failure(ruled).retry_after(), Duration{30s});
}

}  // namespace
}  // namespace jeton::agent
