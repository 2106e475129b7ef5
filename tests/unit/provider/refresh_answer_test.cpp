// The chain of refresh tokens after an unexpected answer: no refresh token of the provider is lost.
#include "agent/provider/refresh_chain.hpp"
#include "tests/unit/provider/oauth2_fixture.hpp"

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

TEST_F(RefreshAnswer, RefreshTokenIsNotUtf8_IsAnErrorAndTheAnswerIsKept) {
  config.response.format = ResponseConfig::Format::form;
  answer_with("access_token=t1&expires_in=60&refresh_token=r1%FFSECRET");
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_TRUE(e.spent());
  EXPECT_THAT(e.what(), AllOf(HasSubstr("is not UTF-8"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1%FFSECRET"));
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
    EXPECT_EQ(e.state().empty(), !e.spent()) << "what was there still holds";
  }
}

TEST_F(RefreshAnswer, HasACodingThatIsUnknown_BytesAreKeptAsTheyCame) {
  answer_with("\x0b\x02\x80{}\x03", {{"Content-Encoding", SecretString("br")}});
  const SourceError e = failure(config);
  EXPECT_THAT(e.what(), HasSubstr("is coded as br"));
  EXPECT_EQ(e.unread_answer().reveal(), "status 200\nContent-Encoding: br\n\n\x0b\x02\x80{}\x03");
}

TEST_F(RefreshAnswer, HasNoTokenAndNoRefreshToken_IsKeptAndNeedsAPerson) {
  answer_with(R"({"rt":"r1-SECRET"})");
  const SourceError e = failure(config);
  EXPECT_EQ(e.kind(), Kind::permanent) << "the same request again could end the chain";
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));
}

TEST_F(RefreshAnswer, ExpiryCannotBeReadAndThereIsNoRefreshToken_IsTriedAgain) {
  answer_with(R"({"access_token":"t1","expires_in":"soon"})");
  EXPECT_EQ(failure(config).kind(), Kind::transient);
}

// What was presented is spent where the bytes speak of another: a strict provider takes its return for a theft.
TEST_F(RefreshAnswer, BytesMayHoldTheRefreshToken_NothingIsSentUntilAPersonActs) {
  config.refresh_token = SecretTemplate::parse("${file:" + dir.write("refresh", "r0").string() + "}");
  for (const char* body :
       {"cb({\"refresh_token\":\"r1\"})", "{\"refreshToken\":\"r1\"", "<Refresh-Token>r1</Refresh-Token>",
        R"({"access_token":"t1","expires_in":60,"refresh_token":{"value":"r1"}})", "\x0b\x02\x80{}\x03"}) {
    answer_with(body);
    const SourceError e = failure(config);
    EXPECT_TRUE(e.spent()) << body;
    EXPECT_EQ(e.kind(), Kind::permanent);
    EXPECT_THAT(e.what(), AllOf(HasSubstr((dir / "refresh").string()), HasSubstr("jetonctl refresh"))) << body;
    // Whoever fetches next, and after whatever loss of the pause.
    transport.requests.clear();
    const SourceError again = failure(config, e.state());
    EXPECT_TRUE(again.spent());
    EXPECT_THAT(again.what(), HasSubstr((dir / "refresh").string()));
    EXPECT_TRUE(transport.requests.empty()) << body;
    EXPECT_THROW(static_cast<void>(loop.run(source_by(config)->fetch({e.state(), true}))), SourceError);
    EXPECT_EQ(value(last_form(), "refresh_token"), "r0") << "an operator asks for it";
    OAuth2SourceConfig mended = config;
    mended.refresh_token = SecretTemplate::literal("r1");
    answer_with(good_body);
    static_cast<void>(fetch(mended, e.state()));
    EXPECT_EQ(value(last_form(), "refresh_token"), "r1") << "another chain";
  }
  for (const char* body : {"<html>maintenance</html>", "{}", "", R"({"refresh":1,"token":2})"}) {
    answer_with(body);
    EXPECT_FALSE(failure(config).spent()) << body;
  }
  answer(400, R"({"error":"invalid_grant","error_description":"Invalid refresh_token"})");
  EXPECT_FALSE(failure(config).spent()) << "a refusal brings nothing";
}

// The operator has not named the code of a success.
TEST_F(RefreshAnswer, SuccessIsTakenForAnError_IsKeptAndNamesTheRule) {
  config.response.error = "/code";
  config.response.token = "/data/access_token";
  config.response.refresh_token = "/data/refresh_token";
  answer_with(R"({"code":"200","data":{"access_token":"t1","expires_in":60,"refresh_token":"r1-SECRET"}})");
  const SourceError e = failure(config);
  EXPECT_TRUE(e.spent());
  EXPECT_EQ(e.code(), "200");
  EXPECT_THAT(e.what(), AllOf(HasSubstr("response.error_rules.success"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));
  answer_with(R"({"code":"busy","data":{"refresh_token":"r0"}})");
  EXPECT_FALSE(failure(config).spent()) << "it is the one that was presented";
}

TEST_F(RefreshAnswer, RefreshTokenHasAnotherName_IsFound) {
  for (const char* body : {R"({"access_token":"t1","expires_in":60,"refresh":"r1-0123456789abcdef"})",
                           R"({"access_token":"t1","expires_in":60,"new_refresh_token":"r1-0123456789abcdef"})"}) {
    answer_with(body);
    const SourceError e = failure(config);
    EXPECT_THAT(e.what(), HasSubstr("set response.refresh_token: /")) << body;
    EXPECT_EQ(next_of(e.state()), "r1-0123456789abcdef") << body;
  }
  answer_with(good_body, {{"Set-Cookie", SecretString("refresh_token=r1; Path=/; HttpOnly")}});
  const SourceError e = failure(config);
  EXPECT_THAT(e.what(), HasSubstr("set response.refresh_token: cookie refresh_token"));
  EXPECT_EQ(next_of(e.state()), "r1");
  answer_with(good_body, {{"X-Refresh-Token", SecretString("r1-0123456789abcdef")}});
  const SourceError by_header = failure(config);
  EXPECT_THAT(by_header.what(), HasSubstr("set response.refresh_token: header X-Refresh-Token"));
  EXPECT_EQ(next_of(by_header.state()), "r1-0123456789abcdef");
  answer_with(good_body,
              {{"Refresh", SecretString("0;url=/somewhere/else")}, {"X-Has-Refresh-Token", SecretString("true")}});
  EXPECT_EQ(next_of(fetch(config).state), "r0") << "of browsers";
  answer_with(R"({"access_token":"t1","expires_in":60,"refresh":"hourly"})");
  EXPECT_EQ(next_of(fetch(config).state), "r0") << "a word of another meaning";
}

TEST_F(RefreshAnswer, HeaderRepeatsTheOneThatWasPresented_ChainGoesOn) {
  const std::string presented = "r0-0123456789abcdef";
  config.refresh_token = SecretTemplate::literal(presented);
  const std::vector<HttpHeader> repeated{{"X-Refresh-Token", SecretString(presented)},
                                         {"Set-Cookie", SecretString("refresh_token=" + presented + "; Path=/")}};
  answer_with(good_body, repeated);
  EXPECT_EQ(fetch(config).value.reveal(), "tok-1");
  answer_with(R"({"access_token":"t1","expires_in":60,"request":{"refresh_token":")" + presented + "\"}}");
  EXPECT_EQ(fetch(config).value.reveal(), "t1");
  answer_with("<html>maintenance</html>", repeated);
  EXPECT_FALSE(failure(config).spent());
  transport.answer = [repeated](const HttpRequest&) -> HttpResponse {
    HttpResponse begun = response(200, "");
    begun.headers = repeated;
    throw HttpError(HttpError::Reason::broken, "it broke", begun);
  };
  EXPECT_FALSE(failure(config).spent());
}

// Providers with words of their own: Twitch, X, HubSpot.
TEST_F(RefreshAnswer, IsARefusalInOtherWords_TheOneBeforeIsTriedAndTheFileIsNamed) {
  config.refresh_token = SecretTemplate::parse("${file:" + dir.write("refresh", "r0").string() + "}");
  const SecretString state =
      RefreshChain(SecretString(), SecretString("r0")).after(SecretString("r0"), SecretString("r1"));
  for (const char* body : {R"({"error":"Bad Request","message":"Invalid refresh token"})",
                           R"({"error":"invalid_request"})", R"({"status":"BAD_REFRESH_TOKEN"})"}) {
    answer(400, body);
    transport.requests.clear();
    const SourceError e = failure(config, state);
    EXPECT_EQ(transport.requests.size(), 2U) << body;
    EXPECT_THAT(e.what(), HasSubstr("put a new one into ${file:")) << body;
  }
  for (const char* code : {"invalid_client", "unauthorized_client", "invalid_scope"}) {
    answer(401, std::string(R"({"error":")") + code + "\"}");
    transport.requests.clear();
    EXPECT_THAT(failure(config, state).what(), Not(HasSubstr("put a new one"))) << code;
    EXPECT_EQ(transport.requests.size(), 1U) << code << ": it says nothing of the refresh token";
  }
}

// A firewall, or one of several web servers that lacks the route. A strict provider that sees the one before takes it
// for stolen, and ends the chain.
TEST_F(RefreshAnswer, IsARefusalOfSomebodyElse_TheOneBeforeIsNotSent) {
  const SecretString state =
      RefreshChain(SecretString(), SecretString("r0")).after(SecretString("r0"), SecretString("r1"));
  for (const auto& [status, body] :
       {std::pair(403, "<html>Access denied</html>"), std::pair(400, "Bad Request"), std::pair(401, ""),
        std::pair(403, R"({"message":"Forbidden"})"), std::pair(404, "<html>nginx</html>"),
        std::pair(404, R"({"message":"no Route matched with those values"})")}) {
    answer(status, body);
    transport.requests.clear();
    const SourceError e = failure(config, state);
    EXPECT_EQ(e.kind(), Kind::permanent);
    EXPECT_EQ(transport.requests.size(), 1U) << status << body;
    EXPECT_EQ(value(last_form(), "refresh_token"), "r1");
    EXPECT_EQ(std::string(e.what()).find("put a new one into") != std::string::npos, status != 404) << e.what();
  }
}

TEST_F(RefreshAnswer, IsOfNoUseAndSaysWhenToComeBack_PauseIsKept) {
  answer(200, "<html>maintenance</html>", "7200");
  EXPECT_EQ(failure(config).retry_after(), Duration{2h});
  EXPECT_EQ(failure(client()).retry_after(), Duration{2h}) << "of another grant";
}

TEST_F(RefreshAnswer, IsARefusalThatAsksForAPause_PauseAndCodeAreKept) {
  answer(400, R"({"error":"invalid_grant"})", "7200");
  const SourceError e = failure(config);
  EXPECT_EQ(e.retry_after(), Duration{2h});
  EXPECT_EQ(e.code(), "invalid_grant");
  EXPECT_EQ(e.status(), 400);
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
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_TRUE(e.spent());
  EXPECT_THAT(std::string(e.unread_answer().reveal()), HasSubstr("r1-SECRET"));

  transport.answer = [](const HttpRequest&) -> HttpResponse {
    HttpResponse begun = response(200, "");
    begun.headers = {{"Set-Cookie", SecretString("refreshToken=r1-SECRET; Path=/")}, {"Server", SecretString("s")}};
    throw HttpError(HttpError::Reason::broken, "it broke", begun);
  };
  const SourceError of_headers = failure(config);
  EXPECT_TRUE(of_headers.spent());
  EXPECT_THAT(std::string(of_headers.unread_answer().reveal()),
              AllOf(HasSubstr("Set-Cookie: refreshToken=r1-SECRET"), Not(HasSubstr("Server"))));
}

// A token that waits for a person would be of no use: the answer brings no refresh token.
TEST_F(RefreshAnswer, EndsAfterHeadersThatAreOnlyAboutARefreshToken_IsTriedAgain) {
  const std::vector<HttpHeader> about{{"X-Refresh-Token-Expires-In", SecretString("1209600")},
                                      {"X-Refresh-Token-Endpoint", SecretString("https://id.example.com/refresh")},
                                      {"Set-Cookie", SecretString("refresh_token=; Max-Age=0")},
                                      {"X-Has-Refresh-Token", SecretString("true")}};
  transport.answer = [about](const HttpRequest&) -> HttpResponse {
    HttpResponse begun = response(200, "");
    begun.headers = about;
    throw HttpError(HttpError::Reason::broken, "it broke", begun);
  };
  const SourceError e = failure(config);
  EXPECT_FALSE(e.spent());
  EXPECT_EQ(e.kind(), Kind::transient);
  answer_with("<html>maintenance</html>", about);
  EXPECT_FALSE(failure(config).spent());
  answer_with(good_body, about);
  EXPECT_EQ(next_of(fetch(config).state), "r0");
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
