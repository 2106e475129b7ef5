// One classification of refusals: rules by code, rules by status, then the defaults; and how long to wait.
#include "agent/provider/answer/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/provider/wire_time.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = SourceError::Kind;

constexpr WallTime answered = from_unix_ms(1'795'000'000'000);  // 2026-11-18T11:06:40Z

struct ErrorAnswer {
  int status = 200;
  std::string body;
  std::string retry_after{};
  std::vector<HttpHeader> headers{};
};

SourceError refused_by(const ErrorAnswer& answer, const ResponseConfig& config) {
  const HttpResponse response{answer.status, answer.retry_after, SecretString(answer.body), answer.headers};
  try {
    refuse_unless_accepted(response, content_of(response, config, answered), config, "https://api.example.com/token",
                           {});
  } catch (const SourceError& e) {
    return e;
  }
  return {Kind::permanent, "accepted"};
}

ResponseConfig with_error() {
  ResponseConfig config;
  config.error = "/error";
  config.error_message = "/message";
  return config;
}

TEST(Refusal, StatusHasARule_RuleCounts) {
  ResponseConfig config = with_error();
  config.error_rules.transient_status = {403, 404, 410, 302};
  config.error_rules.permanent_status = {500};
  for (const int status : {403, 404, 410, 302})
    EXPECT_EQ(refused_by({status, ""}, config).kind(), Kind::transient) << status;
  EXPECT_EQ(refused_by({500, ""}, config).kind(), Kind::permanent);
  EXPECT_EQ(refused_by({401, ""}, config).kind(), Kind::permanent);
  EXPECT_EQ(refused_by({502, ""}, config).kind(), Kind::transient);
}

TEST(Refusal, CodeAndStatusHaveRules_CodeCounts) {
  ResponseConfig config = with_error();
  config.error_rules.permanent = {"closed"};
  config.error_rules.transient = {"starting", "invalid_client"};
  config.error_rules.transient_status = {403};
  config.error_rules.permanent_status = {503};
  EXPECT_EQ(refused_by({403, R"({"error":"closed"})"}, config).kind(), Kind::permanent);
  EXPECT_EQ(refused_by({503, R"({"error":"starting"})"}, config).kind(), Kind::transient);
  EXPECT_EQ(refused_by({401, R"({"error":"invalid_client"})"}, config).kind(), Kind::transient)
      << "a rule beats RFC 6749";
  EXPECT_EQ(refused_by({503, R"({"error":"invalid_client"})"}, with_error()).kind(), Kind::transient);
  EXPECT_EQ(refused_by({200, R"({"error":"invalid_client"})"}, with_error()).kind(), Kind::permanent);
}

TEST(Refusal, SaysWhenToComeBack_Passes) {
  const SourceError e = refused_by({403, "", "30"}, with_error());
  EXPECT_EQ(e.kind(), Kind::transient);
  EXPECT_EQ(e.retry_after(), Duration{30s});
  const SourceError spent = refused_by(
      {403, "", "", {{"X-RateLimit-Remaining", SecretString("0")}, {"x-ratelimit-reset", SecretString("1795000090")}}},
      with_error());
  EXPECT_EQ(spent.kind(), Kind::transient);
  EXPECT_EQ(spent.retry_after(), Duration{90s});
  EXPECT_EQ(refused_by({302, "", "30"}, with_error()).kind(), Kind::permanent) << "a redirect leads elsewhere";
}

TEST(Refusal, IsPermanent_ItsPauseCountsToo) {
  const SourceError e = refused_by({401, R"({"error":"invalid_client"})", "7200"}, with_error());
  EXPECT_EQ(e.kind(), Kind::permanent);
  EXPECT_EQ(e.retry_after(), Duration{2h});
}

TEST(Refusal, RateLimitIsReset_PauseLastsUntilThen) {
  const auto pause = [](std::vector<HttpHeader> headers) {
    return refused_by({429, "", "", std::move(headers)}, with_error()).retry_after();
  };
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("1795000060")}}), Duration{60s});
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("1795000060000")}}), Duration{60s});
  EXPECT_EQ(pause({{"X-Rate-Limit-Reset", SecretString("60")}}), Duration{60s});
  EXPECT_EQ(pause({{"RateLimit-Reset", SecretString("0.5")}}), Duration{500ms});
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("1794999999")}}), Duration{0s});
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("999999999")}}), retry_after_cap);
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("soon")}}), std::nullopt);
  EXPECT_EQ(pause({{"X-RateLimit-Reset", SecretString("60")}, {"X-RateLimit-Remaining", SecretString("12")}}),
            std::nullopt);
}

TEST(Refusal, ClockOfThisHostDiffers_DatesCountFromTheDateOfTheAnswer) {
  const HttpHeader an_hour_ahead{"date", SecretString("Wed, 18 Nov 2026 12:06:40 GMT")};
  const HttpHeader no_date{"Date", SecretString("now")};
  const HttpHeader reset{"X-RateLimit-Reset", SecretString("1795003660")};  // 12:07:40
  const std::string date = "Wed, 18 Nov 2026 12:07:40 GMT";
  const auto pause = [](const std::string& retry_after, std::vector<HttpHeader> headers) {
    return refused_by({429, "", retry_after, std::move(headers)}, with_error()).retry_after();
  };
  EXPECT_EQ(pause(date, {an_hour_ahead}), Duration{60s});
  EXPECT_EQ(pause("", {an_hour_ahead, reset}), Duration{60s});
  EXPECT_EQ(pause("30", {an_hour_ahead}), Duration{30s});
  EXPECT_EQ(pause(date, {no_date}), Duration{61min});
}

TEST(Refusal, SuccessIsNamed_OtherValuesAreErrors) {
  struct Case {
    std::vector<std::string> success;
    const char* good;
    const char* bad;
  };
  for (const Case& tried :
       {Case{{"200"}, "\"200\"", "0"}, Case{{"200"}, "200", "500"}, Case{{"SUCCESS"}, "\"SUCCESS\"", "\"FAIL\""},
        Case{{"true"}, "true", "false"}, Case{{"0", "00000"}, "\"00000\"", "\"A0001\""}}) {
    ResponseConfig config = with_error();
    config.error_rules.success = tried.success;
    EXPECT_STREQ(refused_by({200, std::string(R"({"error":)") + tried.good + "}"}, config).what(), "accepted");
    const SourceError e =
        refused_by({200, std::string(R"({"message":"no such app","error":)") + tried.bad + "}"}, config);
    EXPECT_THAT(e.what(), HasSubstr("no such app")) << tried.bad;
    EXPECT_EQ(e.kind(), Kind::transient);
  }
  ResponseConfig config = with_error();
  config.error_rules.success = {"200"};
  EXPECT_STREQ(refused_by({200, "{}"}, config).what(), "accepted") << "it declares nothing";
}

TEST(Refusal, CodeAndStatus_AreThereForWhoWritesARule) {
  const SourceError e =
      refused_by({400, R"({"error":40013,"message":"why","access_token":"tok-SECRET"})"}, with_error());
  EXPECT_EQ(e.code(), "40013");
  EXPECT_EQ(e.status(), 400);
  EXPECT_EQ(refused_by({400, R"({"error":"tok-SECRET","access_token":"tok-SECRET"})"}, with_error()).code(), "***");
}

// As of Facebook, Google's APIs and Vault.
TEST(Refusal, ErrorIsAnObjectOrAList_LeadsToTheValueInItAndShowsTheMessage) {
  const SourceError e = refused_by({400, R"({"error":{"message":"no such app","code":101}})"}, with_error());
  EXPECT_THAT(e.what(),
              HasSubstr("/error is a JSON object; set response.error to one value in it, such as /error/code"));
  EXPECT_THAT(e.what(), HasSubstr("no such app"));
  EXPECT_EQ(e.code(), "");
  EXPECT_THAT(refused_by({403, R"({"error":["permission denied"]})"}, with_error()).what(),
              HasSubstr("such as /error/0"));
  for (const char* none : {R"({"error":[]})", R"({"error":{}})"})
    EXPECT_STREQ(refused_by({200, none}, with_error()).what(), "accepted") << none;
}

TEST(Refusal, MessageWithoutACode_IsShown) {
  EXPECT_THAT(refused_by({403, R"({"message":"app is locked"})"}, with_error()).what(),
              HasSubstr("answered 403 (/message \"app is locked\"); check"));
}

}  // namespace
}  // namespace jeton::agent
