// Where else than in a JSON field a token may stand, and what the errors of a provider mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/token_answer.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SourceError::Kind;

constexpr WallTime moment = from_unix_ms(1'795'000'000'000);

HttpResponse answer(const std::string& body, std::vector<HttpHeader> headers = {}) {
  return {200, {}, SecretString(body), std::move(headers)};
}

ResponseConfig text_config() {
  ResponseConfig config;
  config.format = ResponseConfig::Format::text;
  config.token.clear();
  config.expires_in.clear();
  config.default_lifetime = 1h;
  return config;
}

ResponseConfig header_config() {
  ResponseConfig config = text_config();
  config.format = ResponseConfig::Format::json;
  config.token = {AnswerPlace::In::header, "X-Auth-Token"};
  return config;
}

FetchedToken parsed(const HttpResponse& response, const ResponseConfig& config) {
  return parse_http_answer(response, config, "https://api.example.com/token", moment, moment);
}

SourceError refusal(const HttpResponse& response, const ResponseConfig& config) {
  try {
    static_cast<void>(parsed(response, config));
  } catch (const SourceError& e) {
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
    return e;
  }
  return {Kind::permanent, "accepted"};
}

TEST(HttpAnswer, FormatIsText_WholeBodyIsTheToken) {
  const FetchedToken token = parsed(answer(" tok-1\r\n"), text_config());
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.issued_at, moment);
  EXPECT_EQ(token.expires_at, moment + 1h);
}

TEST(HttpAnswer, BodyIsAPage_IsRefused) {
  EXPECT_THAT(refusal(answer("<html>SECRET of the</html>"), text_config()).what(), HasSubstr("JSON or a page"));
  EXPECT_THAT(refusal(answer("SECRET of the"), text_config()).what(), HasSubstr("not allowed in a token"));
  EXPECT_THAT(refusal(answer("\n"), text_config()).what(), HasSubstr("is empty"));
}

TEST(HttpAnswer, TokenIsInAHeader_BodyIsIgnored) {
  const FetchedToken token = parsed(answer("", {{"x-auth-token", SecretString("tok-1")}}), header_config());
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.type, "");
  EXPECT_EQ(token.expires_at, moment + 1h);
}

TEST(HttpAnswer, HeaderStartsWithAScheme_SchemeIsTheType) {
  const FetchedToken token = parsed(answer("", {{"X-Auth-Token", SecretString("Bearer tok-1")}}), header_config());
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(token.type, "Bearer");
}

TEST(HttpAnswer, TokenIsInAHeader_OtherFieldsAreReadFromTheBody) {
  ResponseConfig config = header_config();
  config.expires_at = "/token/expires_at";
  config.attributes = {{"project", "/token/project"}};
  const FetchedToken token = parsed(answer(R"({"token":{"expires_at":"2026-11-18T12:26:40Z","project":"p1"}})",
                                           {{"X-Auth-Token", SecretString("tok-1")}}),
                                    config);
  EXPECT_EQ(token.value.reveal(), "tok-1");
  EXPECT_EQ(to_unix_ms(token.expires_at), 1'795'004'800'000);
  EXPECT_EQ(token.attributes.at("project"), "p1");
}

TEST(HttpAnswer, HeaderIsMissing_ErrorNamesIt) {
  EXPECT_THAT(refusal(answer("{}"), header_config()).what(), HasSubstr("no header X-Auth-Token; check response.token"));
}

TEST(HttpAnswer, HeaderIsMissingAndBodyHasAnError_ErrorIsShown) {
  ResponseConfig config = header_config();
  config.error = "/error";
  EXPECT_THAT(refusal(answer(R"({"error":"locked"})"), config).what(), HasSubstr("/error locked"));
}

TEST(HttpAnswer, CodeHasAnErrorRule_KindIsThatOfTheRule) {
  ResponseConfig config;
  config.error = "/errcode";
  config.error_message = "/errmsg";
  config.error_rules = {{"40013", "invalid_client", "-7"}, {"-1"}};
  const auto kind = [&config](const std::string& value) {
    return refusal(answer(R"({"errcode":)" + value + R"(,"errmsg":"why"})"), config).kind();
  };
  EXPECT_EQ(kind("40013"), Kind::permanent);
  EXPECT_EQ(kind("\"40013\""), Kind::permanent);
  EXPECT_EQ(kind("-7"), Kind::permanent);
  EXPECT_EQ(kind("\"invalid_client\""), Kind::permanent);
  EXPECT_EQ(kind("-1"), Kind::transient);
  EXPECT_EQ(kind("4001"), Kind::transient) << "no rule: it may pass";
}

// The one classification: rules by code, rules by status, then the defaults.
Kind kind_of_answer(int status, const std::string& body, const ResponseConfig& config,
                    std::vector<HttpHeader> headers = {}) {
  HttpResponse response = answer(body, std::move(headers));
  response.status = status;
  return refusal(response, config).kind();
}

TEST(HttpAnswer, CodeHasAnErrorRule_StatusIsIgnored) {
  ResponseConfig config;
  config.error = "/error";
  config.error_rules = {{"bad_app"}, {"slow"}};
  for (const int status : {200, 401, 503}) {
    EXPECT_EQ(kind_of_answer(status, R"({"error":"bad_app"})", config), Kind::permanent) << status;
    EXPECT_EQ(kind_of_answer(status, R"({"error":"slow"})", config), Kind::transient) << status;
  }
  EXPECT_EQ(kind_of_answer(401, R"({"error":"other"})", config), Kind::permanent);
  EXPECT_EQ(kind_of_answer(503, "<html>", config), Kind::transient);
}

}  // namespace
}  // namespace jeton::agent
