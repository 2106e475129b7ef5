// No token of an answer is ever shown by `jeton-agent fetch --once`, whatever shape the answer has; what an operator
// needs to write the configuration is.
#include "agent/provider/trial/redaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string shown(std::string_view body) { return shown_body(body, {}, Direction::received); }

class ReceivedBody : public ::testing::TestWithParam<const char*> {};

TEST_P(ReceivedBody, HoldsATokenInAnyShape_IsShownWithoutIt) {
  for (const char* token :
       {"SECRET", "SECRETtokenOfLettersOnly", "SECRET0123456789abcdef", "eyJSECRET.eyJhIjoxfQ.c2ln"}) {
    std::string body = GetParam();
    for (std::size_t at = body.find('@'); at != std::string::npos; at = body.find('@')) body.replace(at, 1, token);
    EXPECT_THAT(shown(body), Not(HasSubstr("SECRET"))) << body;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ReceivedBody,
                         ::testing::Values("\"@\"", "\"@\"\n", "@", " @\n",
                                           "@==", "callback({\"access_token\":\"@\"});", "/**/cb({access_token:'@'})",
                                           "cb({access_token:@})", "var t='@';", "{\"access_token\":\"@\"} trailing",
                                           "{\"access_token\":\"@\"}{\"access_token\":\"@\"}",
                                           "{\"access_token\":\"x\",\"access_token\":\"@\"}", "{\"access_token\":\"@",
                                           "[\"@\"]", ")]}',\n{\"access_token\":\"@\"}", "{\"access_token\":\"x\"}'@'",
                                           "access_token=@&expires_in=60", "access_token=@", "token: @\nexpires: 60",
                                           "<token>@</token>", "<t access_token=\"@\"/>", "Authorization: Bearer @",
                                           "Bearer @", "{\"data\":\"{\\\"access_token\\\":\\\"@\\\"}\"}",
                                           "access_token=\"@\"", "refresh_token='@'; path=/"));

TEST(ReceivedBody, TokenIsANameANumberOrAnElement_IsNotShown) {
  for (const char* body :
       {R"({"sessions":{"SECRET0123456789abcdef":{"ttl":60}}})", R"({"access_token":7378697629483820646})",
        "<string xmlns=\"http://tempuri.org/\">s3cr3tSECRET1</string>", "<r><SessionId>SECRET12cd34</SessionId></r>"}) {
    EXPECT_THAT(shown(body), AllOf(Not(HasSubstr("SECRET")), Not(HasSubstr("73786976")))) << body;
  }
  const char* const lifetimes = R"({"access_token_expires_in":7200,"expires_at":1795003600,"max_token":4096})";
  EXPECT_EQ(shown(lifetimes), lifetimes);
}

TEST(ReceivedPage, IsProse_IsShown) {
  EXPECT_EQ(shown("<html><h1>404 Not Found</h1> can't find the app</html>"),
            "<html><h1>404 Not Found</h1> can't find the app</html>");
  EXPECT_EQ(shown("invalid appid, hint: [x]"), "invalid appid, hint: [x]");
}

// What response.error_rules need.
TEST(ReceivedCode, BodyHasAnErrorCode_IsShown) {
  for (const char* body : {R"({"code":"40013"})", R"({"code":"INVALID_APP_ID"})", R"({"errcode":40013})",
                           R"({"ret":"-1"})", R"({"success":false})", R"({"subCode":"isv.invalid-signature"})"}) {
    EXPECT_EQ(shown(body), body);
  }
  for (const char* body : {R"({"code":"SECRETa1b2c3"})", R"({"code":"SECRETSECRETSECRETSECRET"})"}) {
    EXPECT_THAT(shown(body), Not(HasSubstr("SECRET")));
  }
}

TEST(ReceivedHeader, LeadsToATokenInAUrl_IsShownWithoutIt) {
  const std::string location = shown_header(
      "Location", "https://app.example.com/cb?code=SECRETabc123&state=1#access_token=SECRET&token_type=bearer", {},
      Direction::received);
  EXPECT_THAT(location, Not(HasSubstr("SECRET")));
  EXPECT_THAT(location, HasSubstr("https://app.example.com/cb?code="));
  EXPECT_THAT(shown_header("Set-Cookie", "SID=SECRET; path=/", {}, Direction::received), Not(HasSubstr("SECRET")));
}

}  // namespace
}  // namespace jeton::agent
