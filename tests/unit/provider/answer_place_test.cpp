// Where a token and what belongs to it may stand in an answer: bodies of every form, headers, cookies, JSON in a text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/base/json.hpp"
#include "agent/provider/answer/json_body.hpp"
#include "tests/unit/provider/answer_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using In = AnswerPlace::In;
std::string refused(const std::string& body, const ResponseConfig& config, Headers headers = {}) {
  try {
    const FetchedToken token = read_answer(body, config, std::move(headers));
    return "accepted as " + token.type + ": " + std::string(token.value.reveal());
  } catch (const SourceError& e) {
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
    return e.what();
  }
}

ResponseConfig token_at(AnswerPlace place) {
  ResponseConfig config;
  config.token = std::move(place);
  config.expires_in.clear();
  config.default_lifetime = 1h;
  return config;
}

TEST(TokenCookie, IsFoundByItsName_WithoutAttributes) {
  const Headers headers{header("Set-Cookie", "theme=dark"), header("set-cookie", "SID=tok-1; Path=/; HttpOnly; Secure"),
                        header("Set-Cookie", "other=x; Max-Age=5")};
  const FetchedToken token = read_answer("", token_at({In::cookie, "SID"}), headers);
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.type, "");
  EXPECT_EQ(token.expires_at, asked + 1h);
  EXPECT_THAT(refused("", token_at({In::cookie, "sid"}), headers), HasSubstr("sets no cookie sid"));
}

TEST(TokenCookie, NamesItsEnd_EndsThen) {
  const auto ends = [](const std::string& attributes) {
    ResponseConfig config = token_at({In::cookie, "SID"});
    config.default_lifetime = 2h;
    return read_answer("", config, {header("Set-Cookie", "SID=\"tok-1\"; " + attributes)}).expires_at;
  };
  EXPECT_EQ(ends("Max-Age=60"), asked + 60s);
  EXPECT_EQ(ends("Expires=Wed, 18 Nov 2026 11:07:40 GMT"), asked + 60s);
  EXPECT_EQ(ends("expires=Wed, 18-Nov-2026 11:07:40 GMT; path=/"), asked + 60s);
  EXPECT_EQ(ends("Expires=Wed, 18 Nov 2026 11:07:40 GMT; Max-Age=30"), asked + 30s) << "RFC 6265 section 5.3";
  EXPECT_EQ(ends("Max-Age=soon"), asked + 2h);
}

// RFC 6265 section 5.1.1.
TEST(TokenCookie, DateHasAnotherForm_IsReadAsBrowsersDo) {
  ResponseConfig config = token_at({In::cookie, "SID"});
  config.default_lifetime = 2h;
  const auto end = [&](const std::string& date) {
    return read_answer("", config, {header("Set-Cookie", "SID=tok-1; Expires=" + date)}).expires_at - asked;
  };
  for (const char* date : {"Wed, 18-Nov-26 11:07:40 GMT", "Wed Nov 18 11:07:40 2026 GMT", "18 november 2026 11:07:40",
                           "Wednesday, 18-Nov-2026 11:7:40 UTC"}) {
    EXPECT_EQ(end(date), 60s) << date;
  }
  for (const char* none : {"soon", "Wed, 18 Nov 2026", "Wed, 31 Feb 2027 11:07:40 GMT", "18 Nov 11:07:40",
                           "18 Nov 2026 24:00:00", "18 Nov 1600 11:07:40"}) {
    EXPECT_EQ(end(none), 2h) << none;
  }
}

// No part of an answer becomes the public type unless it is an authentication scheme.
TEST(TokenHeader, FirstWordIsNoScheme_IsRefusedAndNotShown) {
  const ResponseConfig config = token_at({In::header, "X-Token"});
  for (const char* value : {"SID=SECRET; path=/", "SECRET path=/", "my SECRET", "SECRETabc xyz"}) {
    EXPECT_THAT(refused("", config, {header("X-Token", value)}), HasSubstr("scheme such as Bearer")) << value;
  }
  for (const char* scheme : {"Bearer", "DPoP", "AWS4-HMAC-SHA256", "SSWS", "Token"}) {
    const FetchedToken token = read_answer("", config, {header("X-Token", std::string(scheme) + " tok-1")});
    EXPECT_EQ(token.type, scheme);
    EXPECT_EQ(token.value.reveal(), "tok-1");
  }
}

TEST(TokenText, StandsBehindAScheme_SchemeIsTheType) {
  EXPECT_EQ(read_answer(R"({"access_token":"Bearer tok-1","expires_in":60})", {}).type, "Bearer");
  EXPECT_EQ(read_answer(R"({"access_token":"Bearer tok-1","expires_in":60})", {}).value.reveal(), "tok-1");
  EXPECT_EQ(read_answer(R"({"access_token":"bearer tok-1","expires_in":60})", {}).type, "Bearer");
  EXPECT_THAT(refused(R"({"access_token":"tok SECRET","expires_in":60})", {}), HasSubstr("a space at byte 4"));
  ResponseConfig text = token_at({});
  text.format = ResponseConfig::Format::text;
  EXPECT_EQ(read_answer("Bearer tok-1\n", text).value.reveal(), "tok-1");
}

TEST(TokenType, IsASecretOrLooksLikeOne_IsRefused) {
  ResponseConfig config;
  config.type = "/kind";
  const auto with_type = [&](const std::string& type) {
    return refused(
        R"({"access_token":"tok-SECRET-1","refresh_token":"ref-SECRET-1","expires_in":60,"kind":")" + type + "\"}",
        config);
  };
  EXPECT_THAT(with_type("tok-SECRET-1"), HasSubstr("is the token itself"));
  EXPECT_THAT(with_type("ref-SECRET-1"), HasSubstr("is the token itself"));
  EXPECT_THAT(with_type("SID=SECRET;"), HasSubstr("not a word such as Bearer"));
  EXPECT_THAT(with_type("SECRET0123456789abcdef"), HasSubstr("not a word such as Bearer"));
  EXPECT_THAT(with_type(std::string(64, 'x')), HasSubstr("not a word such as Bearer")) << "no segment has room";
  EXPECT_THAT(with_type(std::string(63, 'x')), HasSubstr("accepted"));
  for (const char* good : {"Bearer", "SSWS", "zoho-oauthtoken", "Bot"}) {
    EXPECT_EQ(with_type(good), std::string("accepted as ") + good + ": tok-SECRET-1");
  }
}

// Readers put the type in front of the token. Many resource servers compare it byte by byte with "Bearer ".
TEST(TokenType, IsAStandardSchemeInAnyCase_IsWrittenAsInItsStandard) {
  ResponseConfig config;
  config.type = "/token_type";
  for (const auto& [given, written] : {std::pair("bearer", "Bearer"), std::pair("BEARER", "Bearer"),
                                       std::pair("dpop", "DPoP"), std::pair("mac", "mac")}) {
    const std::string body = R"({"access_token":"tok-1","expires_in":60,"token_type":")" + std::string(given) + "\"}";
    EXPECT_EQ(read_answer(body, config).type, written);
  }
}

// "bot" and "user" of Slack, whose API takes Bearer only; N_A and the URIs of RFC 8693.
TEST(TokenType, SaysWhatTheTokenIs_IsLeftOut) {
  ResponseConfig config;
  config.type = "/token_type";
  for (const char* kind : {"bot", "user", "N_A", "urn:ietf:params:oauth:token-type:jwt", "https://example.com/pop"}) {
    const std::string body = R"({"access_token":"tok-1","expires_in":60,"token_type":")" + std::string(kind) + "\"}";
    EXPECT_EQ(read_answer(body, config).type, "") << kind;
  }
}

TEST(Attribute, HoldsTheRefreshToken_IsRefused) {
  ResponseConfig config;
  config.attributes = {{"more", "/again"}};
  EXPECT_THAT(
      refused(R"({"access_token":"t","refresh_token":"ref-SECRET-1","again":"ref-SECRET-1","expires_in":60})", config),
      HasSubstr("attribute more (/again)"));
}

TEST(AnswerPlace, IsAHeaderOrJsonInAText_IsRead) {
  ResponseConfig config;
  config.token = "/payload";
  config.token.inner_json = "/access/token";
  config.expires_in = {In::header, "X-Expires-In"};
  config.type = {In::header, "X-Type"};
  config.attributes = {{"region", {In::header, "X-Region"}}, {"absent", {In::header, "X-None"}}};
  const FetchedToken token =
      read_answer(R"({"payload":"{\"access\":{\"token\":\"tok-1\"}}"})", config,
                  {header("X-Expires-In", "60"), header("X-Type", "Bearer"), header("x-region", "eu")});
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.expires_at, asked + 60s);
  EXPECT_EQ(token.type, "Bearer");
  EXPECT_EQ(token.attributes, (Attributes{{"region", "eu"}}));
  EXPECT_THAT(refused(R"({"payload":"SECRET"})", config), HasSubstr("has no token (/payload json /access/token)"));
}

TEST(AnswerBody, IsABareJsonText_IsTheToken) {
  ResponseConfig config;
  config.default_lifetime = 1h;
  EXPECT_EQ(read_answer("\"tok-1\"\n", config).value.reveal(), "tok-1");
  config.default_lifetime.reset();
  EXPECT_THAT(refused("\"tok-SECRET\"", config), HasSubstr("set response.default_lifetime"));
  config.token = "/token";
  EXPECT_THAT(refused("\"tok-SECRET\"", config), HasSubstr("is a JSON string, not an object"));
  ResponseConfig text = token_at({});
  text.format = ResponseConfig::Format::text;
  EXPECT_EQ(read_answer("\"tok-1\"", text).value.reveal(), "tok-1") << "without its quotes";
}

TEST(AnswerBody, IsNoTokenThoughItHasNoBlank_IsRefused) {
  ResponseConfig text = token_at({});
  text.format = ResponseConfig::Format::text;
  for (const char* body : {R"({"error":"SECRET"})", "[1]", "<html>SECRET</html>"}) {
    EXPECT_THAT(refused(body, text), HasSubstr("JSON or a page")) << body;
  }
}

// A server that sends the type of the request back.
TEST(AnswerBody, IsJsonUnderTheTypeOfAForm_IsRead) {
  const FetchedToken token = read_answer(R"({"access_token":"a=b&c=","expires_in":60})", {},
                                         {header("Content-Type", "application/x-www-form-urlencoded")});
  EXPECT_EQ(token.value.reveal(), "a=b&c=");
}

// A page of maintenance with the status of a success.
TEST(AnswerBody, IsOfNoUseAndSaysWhenToComeBack_PauseIsKept) {
  const HttpResponse response{200, "120", SecretString("<html>maintenance</html>"), {}};
  try {
    static_cast<void>(parse_http_answer(response, {}, "https://api.example.com", asked, asked));
    ADD_FAILURE() << "accepted";
  } catch (const SourceError& e) {
    EXPECT_EQ(e.retry_after(), Duration{120s});
  }
}

TEST(AnswerBody, BeginsWithAByteOrderMark_IsNoPartOfTheToken) {
  ResponseConfig config;
  config.default_lifetime = 1h;
  config.format = ResponseConfig::Format::text;
  EXPECT_EQ(read_answer("\xEF\xBB\xBFtok-1\r\n", config).value.reveal(), "tok-1");
}

TEST(TokenHeader, StandsTwiceWithTwoValues_IsRefused) {
  ResponseConfig config;
  config.token = {In::header, "X-Auth-Token"};
  config.default_lifetime = 1h;
  EXPECT_THAT(refused("{}", config, {header("X-Auth-Token", "SECRET-a"), header("x-auth-token", "SECRET-b")}),
              HasSubstr("twice with different values"));
  EXPECT_EQ(read_answer("{}", config, {header("X-Auth-Token", "a"), header("X-Auth-Token", "a")}).value.reveal(), "a");
}

TEST(AnswerBody, IsAList_ThatThePointerLeadsInto_IsRead) {
  ResponseConfig config = token_at("/0/token");
  EXPECT_EQ(read_answer(R"([{"token":"tok-1"}])", config).value.reveal(), "tok-1");
}

TEST(AnswerBody, IsAForm_IsRead) {
  const std::string body = "access_token=tok%2D1&token_type=bearer&expires_in=60&scope=a+b";
  ResponseConfig config;
  config.type = "/token_type";
  config.attributes = {{"scope", "/scope"}};
  const Headers form{header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")};
  for (const bool configured : {false, true}) {
    config.format = configured ? ResponseConfig::Format::form : ResponseConfig::Format::json;
    const FetchedToken token = read_answer(body, config, configured ? Headers{} : form);
    EXPECT_EQ(token.value.reveal(), "tok-1");
    EXPECT_EQ(token.expires_at, asked + 60s);
    EXPECT_EQ(token.attributes.at("scope"), "a b");
  }
  EXPECT_THAT(refused("access_token=a&access_token=SECRET&expires_in=60", config), HasSubstr("twice"));
  EXPECT_THAT(refused("access_token=SECRET%2&expires_in=60", config), HasSubstr("percent sign"));
  EXPECT_THAT(refused("<html>SECRET", config), HasSubstr("is not a form"));
}

std::string body_error(std::string_view body) {
  try {
    static_cast<void>(parse_json_body(body));
  } catch (const SourceError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(JsonBody, NamesAKeyTwice_IsRefused) {
  EXPECT_THAT(body_error(R"({"access_token":"a","access_token":"b"})"), HasSubstr("\"access_token\" twice"));
  EXPECT_THAT(body_error(R"({"data":[{"a":1},{"b":1,"c":{"d":1,"\u0064":2}}]})"), HasSubstr("\"d\" twice"));
  EXPECT_EQ(body_error(R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]})"), "accepted");
}

TEST(JsonBody, HasBytesBehindItsEnd_IsRefused) {
  const std::string good = R"({"access_token":"a"})";
  EXPECT_EQ(body_error(good + " \r\n"), "accepted");
  for (const std::string& behind : {std::string(1, '\0'), std::string("\0{}", 3), std::string("x"), good,
                                    std::string("]"), std::string("\0\xff", 2), std::string("\n\0", 2)}) {
    EXPECT_THAT(body_error(good + behind), HasSubstr("is not JSON (at byte")) << ::testing::PrintToString(behind);
  }
}

// The same for whatever else is JSON from outside.
TEST(JsonText, HasANul_IsNoJson) {
  EXPECT_TRUE(try_parse_wiping_json(std::string("{}\0", 3)).is_discarded());
  EXPECT_FALSE(try_parse_wiping_json("{}").is_discarded());
}

TEST(MissingToken, AnswerHasOtherNames_ErrorListsThem) {
  const std::string what = refused(R"({"code":"40013","msg":"SECRET","data":{"x":1}})", {});
  EXPECT_THAT(what, HasSubstr("At its top it has: code, data, msg"));
  EXPECT_THAT(what, HasSubstr("response.error"));
}

}  // namespace
}  // namespace jeton::agent
