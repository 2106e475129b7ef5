#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/provider/answer/refusal.hpp"
#include "agent/provider/answer/token_answer.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr WallTime now = from_unix_ms(1'795'000'000'000);
constexpr const char* token_value = "tok-SECRET-0123456789";

FetchedToken parse(std::string_view body, const ResponseConfig& config = {}) {
  return parse_token_response(body, config, now);
}

std::string good_with(const std::string& members) {
  return R"({"access_token":")" + std::string(token_value) + R"(",)" + members + "}";
}

// The message of the refusal; none may hold any part of the token.
std::string refusal(std::string_view body, const ResponseConfig& config = {}) {
  try {
    static_cast<void>(parse(body, config));
  } catch (const SourceError& e) {
    EXPECT_EQ(e.kind(), SourceError::Kind::transient);
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
    return e.what();
  }
  return "accepted";
}

TEST(ResponseParser, AnswerIsGood_TokenIsRead) {
  const FetchedToken token = parse(good_with(R"("expires_in":7200)"));
  EXPECT_EQ(token.value.reveal(), token_value);
  EXPECT_EQ(token.issued_at, now);
  EXPECT_EQ(token.expires_at, now + 7200s);
  EXPECT_TRUE(token.type.empty());
  EXPECT_TRUE(token.attributes.empty());
}

TEST(ResponseParser, PointersLeadIntoObjectsAndArrays_ValuesAreRead) {
  ResponseConfig config;
  config.token = "/data/0/a~1b~0c";
  config.expires_in = "/data/1";
  config.type = "/data/2/type";
  config.attributes = {{"scope", "/scope"}, {"id", "/id"}, {"flag", "/flag"}, {"absent", "/none"}};
  const FetchedToken token =
      parse(R"({"data":[{"a/b~c":"value"},"60",{"type":"Bearer"}],"scope":"read write","id":42,"flag":true})", config);
  EXPECT_EQ(token.value.reveal(), "value");
  EXPECT_EQ(token.expires_at, now + 60s);
  EXPECT_EQ(token.type, "Bearer");
  EXPECT_EQ(token.attributes, (Attributes{{"scope", "read write"}, {"id", "42"}, {"flag", "true"}}));
}

struct Refused {
  const char* name;
  std::string body;
  const char* message;
};

class ResponseRefusal : public ::testing::TestWithParam<Refused> {};

TEST_P(ResponseRefusal, AnswerIsInvalid_ErrorNamesThePlace) {
  EXPECT_THAT(refusal(GetParam().body), HasSubstr(GetParam().message));
}

std::vector<Refused> refused_answers() {
  const auto token = [](const std::string& json) { return R"({"expires_in":60,"access_token":)" + json + "}"; };
  const auto expiry = [](const std::string& json) { return good_with(R"("expires_in":)" + json); };
  return {
      {"Empty", "", "answer is empty"},
      {"NotJson", "<html>SECRET</html>", "is not JSON (at byte 1); is the URL of the source right?"},
      {"Form", "access_token=tok-SECRET&expires_in=60", "is it a form (response.format: form)?"},
      {"OtherEncoding", "{\"errcode\":40013,\"errmsg\":\"\xce\xde\xd0\xa7\"}", "at byte 29, which is not UTF-8"},
      {"Blank", "   ", "truncated"},
      {"TruncatedInObject", R"({"access_token":"tok-SECRET")", "truncated"},
      {"TruncatedInString", R"({"access_token":"tok-SECR)", "truncated"},
      {"JunkBehind", good_with(R"("expires_in":60)") + "x", "is not JSON"},
      {"InvalidUtf8", "{\"access_token\":\"SECRET\xff\",\"expires_in\":60}", "is not JSON"},
      {"Array", R"(["tok-SECRET",60])", "is a JSON array, not an object"},
      {"StringWithoutAnExpiry", R"("tok-SECRET")", "has no expires_in (/expires_in)"},
      {"Number", "17", "is a JSON number, not an object"},
      {"Null", "null", "is a JSON null, not an object"},
      {"DeepArrays", std::string(1'000'000, '['), "nested deeper than 64 levels"},
      {"DeepObjects",
       [] {
         std::string text;
         for (int i = 0; i < 100'000; ++i) text += R"({"a":)";
         return text;
       }(),
       "nested deeper than 64 levels"},
      {"NoToken", R"({"expires_in":60})", "has no token (/access_token)"},
      {"NullToken", token("null"), "has no token (/access_token)"},
      {"NumberToken", token("12345"), "token (/access_token) in the provider's answer is a JSON number"},
      {"ObjectToken", token(R"({"v":"SECRET"})"), "is a JSON object, not a string"},
      {"EmptyToken", token(R"("")"), "token (/access_token) in the provider's answer is empty"},
      {"NulInToken", token(R"("tok\u0000SECRET")"), "a control character at byte 4"},
      {"NewlineInToken", token(R"("tok-SECRET\n")"), "a control character at byte 11"},
      {"CarriageReturnInToken", token(R"("tok\r\nX: SECRET")"), "a control character at byte 4"},
      {"DeleteInToken", token(R"("tok\u007fSECRET")"), "a control character at byte 4"},
      {"SpaceInToken", token(R"("tok SECRET")"), "a space at byte 4"},
      {"NonAsciiToken", token(R"("tok\u00e9SECRET")"), "not ASCII at byte 4"},
      {"NoExpiry", good_with(R"("x":1)"), "has no expires_in (/expires_in)"},
      {"NullExpiry", expiry("null"), "has no expires_in (/expires_in)"},
      {"TextExpiry", expiry(R"("soon")"), "expires_in (/expires_in) in the provider's answer is not a number"},
      {"MixedExpiry", expiry(R"("60x")"), "is not a number of seconds"},
      {"SignedTextExpiry", expiry(R"("-60")"), "is negative"},
      {"EmptyExpiry", expiry(R"("")"), "is not a number of seconds"},
      {"BooleanExpiry", expiry("true"), "is not a number of seconds"},
      {"ObjectExpiry", expiry("{}"), "is not a number of seconds"},
      {"ZeroExpiry", expiry("0"), "expires_in (/expires_in) in the provider's answer is zero"},
      {"ZeroTextExpiry", expiry(R"("0")"), "is zero"},
      {"TinyExpiry", expiry("0.0001"), "is zero"},
      {"MinusZeroExpiry", expiry("-0.0"), "is zero"},
      {"NegativeExpiry", expiry("-1"), "is negative"},
      {"NegativeFloatExpiry", expiry("-0.5"), "is negative"},
      {"EnormousExpiry", expiry("999999999999"), "is more than ten years"},
      {"EnormousUnsignedExpiry", expiry("18446744073709551615"), "is more than ten years"},
      {"EnormousFloatExpiry", expiry("1e300"), "is more than ten years"},
      {"EnormousTextExpiry", expiry("\"" + std::string(400, '9') + "\""), "is more than ten years"},
      {"OverflowingExpiry", expiry("1e400"), "number out of range"},
      {"NanExpiry", expiry("NaN"), "is not JSON"},
      {"JustAboveTenYears", expiry("315619201"), "is more than ten years"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, ResponseRefusal, ::testing::ValuesIn(refused_answers()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ResponseParser, LifetimeIsTextOrAFraction_IsRead) {
  EXPECT_EQ(parse(good_with(R"("expires_in":"7200")")).expires_at, now + 7200s);
  EXPECT_EQ(parse(good_with(R"("expires_in":3600.5)")).expires_at, now + 3600s + 500ms);
  EXPECT_EQ(parse(good_with(R"("expires_in":1.9999)")).expires_at, now + 1999ms);
  EXPECT_EQ(parse(good_with(R"("expires_in":7.2e3)")).expires_at, now + 7200s);
}

TEST(ResponseParser, AbsoluteExpiryIsInAnyForm_IsRead) {
  ResponseConfig config;
  config.expires_in.clear();
  config.expires_at = "/until";
  EXPECT_EQ(parse(good_with(R"("until":1795000060)"), config).expires_at, now + 60s);
  EXPECT_EQ(parse(good_with(R"("until":"1795000060")"), config).expires_at, now + 60s);
  EXPECT_EQ(parse(good_with(R"("until":1795000060500)"), config).expires_at, now + 60s + 500ms);
  EXPECT_EQ(parse(good_with(R"("until":"2026-11-18T11:07:40Z")"), config).expires_at, now + 60s);
}

TEST(ResponseParser, AbsoluteExpiryIsInvalid_IsRefusedWithAReason) {
  ResponseConfig config;
  config.expires_in.clear();
  config.expires_at = "/until";
  EXPECT_THAT(refusal(good_with(R"("x":1)"), config), HasSubstr("has no expires_at (/until)"));
  EXPECT_THAT(refusal(good_with(R"("until":1794999999)"), config), HasSubstr("expires_at (/until)"));
  EXPECT_THAT(refusal(good_with(R"("until":1794999999)"), config), HasSubstr("is in the past"));
  EXPECT_THAT(refusal(good_with(R"("until":0)"), config), HasSubstr("is zero"));
  EXPECT_THAT(refusal(good_with(R"("until":-5)"), config), HasSubstr("is negative"));
  EXPECT_THAT(refusal(good_with(R"("until":"tomorrow")"), config), HasSubstr("neither unix seconds"));
  EXPECT_THAT(refusal(good_with(R"("until":[1])"), config), HasSubstr("neither unix seconds"));
  EXPECT_THAT(refusal(good_with(R"("until":1e300)"), config), HasSubstr("more than ten years"));
  EXPECT_THAT(refusal(good_with(R"("until":"2099-01-01T00:00:00Z")"), config), HasSubstr("more than ten years"));
}

TEST(ResponseParser, AnswerHasTwoExpiries_EarlierOneCounts) {
  ResponseConfig config;
  config.expires_at = "/until";
  EXPECT_EQ(parse(good_with(R"("expires_in":30,"until":1795000060)"), config).expires_at, now + 30s);
  EXPECT_EQ(parse(good_with(R"("expires_in":90,"until":1795000060)"), config).expires_at, now + 60s);
}

TEST(ResponseParser, ExpiryIsMissing_DefaultLifetimeCounts) {
  ResponseConfig config;
  config.default_lifetime = 90s;
  EXPECT_EQ(parse(good_with(R"("x":1)"), config).expires_at, now + 90s);
  EXPECT_EQ(parse(good_with(R"("expires_in":30)"), config).expires_at, now + 30s);
  EXPECT_THAT(refusal(good_with(R"("expires_in":"soon")"), config), HasSubstr("is not a number"));
}

TEST(ResponseParser, ErrorFieldIsEmpty_IsNoError) {
  ResponseConfig config;
  config.error = "/errcode";
  for (const char* none : {"0", "0.0", "\"\"", "\"0\"", "false", "null"}) {
    EXPECT_NO_THROW(static_cast<void>(parse(good_with(R"("expires_in":60,"errcode":)" + std::string(none)), config)))
        << none;
  }
  EXPECT_NO_THROW(static_cast<void>(parse(good_with(R"("expires_in":60)"), config)));
}

TEST(ResponseParser, ErrorIsDeclared_IsShownWithItsMessage) {
  ResponseConfig config;
  config.error = "/errcode";
  config.error_message = "/errmsg";
  const std::string message =
      refusal(R"({"errcode":40013,"errmsg":"invalid appid\nhint: [x]","access_token":"tok-SECRET-1"})", config);
  EXPECT_EQ(message, R"(the provider answered with /errcode 40013: "invalid appid hint: [x]")");
}

TEST(ResponseParser, ErrorHasTheTokenOrASecret_IsShownWithoutThem) {
  ResponseConfig config;
  config.error = "/error";
  config.error_message = "/message";
  std::vector<SecretString> secrets;
  secrets.emplace_back("client-SECRET");
  try {
    static_cast<void>(parse_token_response(
        R"({"error":"tok-SECRET-1","message":"no client-SECRET please","access_token":"tok-SECRET-1"})", config, now,
        secrets));
    FAIL() << "accepted";
  } catch (const SourceError& e) {
    EXPECT_STREQ(e.what(), R"(the provider answered with /error ***: "no *** please")");
  }
}

TEST(ResponseParser, TypeHasALineBreak_IsRefused) {
  ResponseConfig config;
  config.type = "/token_type";
  EXPECT_EQ(parse(good_with(R"("expires_in":60,"token_type":"Bearer")"), config).type, "Bearer");
  EXPECT_EQ(parse(good_with(R"("expires_in":60)"), config).type, "");
  EXPECT_THAT(refusal(good_with(R"("expires_in":60,"token_type":"a\nb")"), config), HasSubstr("type (/token_type)"));
}

// As eBay's "Application Access Token".
TEST(ResponseParser, TypeIsProseOrNoText_IsLeftOut) {
  ResponseConfig config;
  config.type = "/token_type";
  for (const char* odd : {R"("Application Access Token")", R"("Bearer ")", R"("application/jwt")", "1", "{}"}) {
    EXPECT_EQ(parse(good_with(R"("expires_in":60,"token_type":)" + std::string(odd)), config).type, "") << odd;
  }
}

TEST(ResponseParser, AttributeHoldsTheToken_IsRefused) {
  ResponseConfig config;
  config.attributes = {{"copy", "/header"}};
  EXPECT_THAT(refusal(good_with(R"("expires_in":60,"header":"Bearer )" + std::string(token_value) + "\""), config),
              HasSubstr("attribute copy (/header)"));
}

TEST(ResponseParser, AttributeIsAListOrTooLong_IsRefused) {
  ResponseConfig config;
  config.attributes = {{"scope", "/scope"}};
  EXPECT_THAT(refusal(good_with(R"("expires_in":60,"scope":["a"])"), config), HasSubstr("is a JSON array"));
  EXPECT_THAT(refusal(good_with(R"("expires_in":60,"scope":")" + std::string(2000, 'x') + "\""), config),
              HasSubstr("longer than 1024 bytes"));
}

TEST(ResponseParser, NestingIsAtTheLimit_IsAccepted) {
  const std::string body = good_with(R"("expires_in":60,"x":)" + std::string(63, '[') + std::string(63, ']') +
                                     R"(,"brackets":"[[[[{{{\"[[[")");
  EXPECT_NO_THROW(static_cast<void>(parse(body)));
}

std::string said(const std::string& body, const ResponseConfig& config) {
  const auto error = declared_error(content_of(body, config, now), config, {});
  return error ? error->words : "nothing";
}

TEST(DeclaredError, FieldsAreConfigured_OnlyTheseAreRead) {
  ResponseConfig config;
  EXPECT_EQ(said(R"({"error":"x"})", config), "nothing");
  config.error = "/error";
  config.error_message = "/detail";
  EXPECT_EQ(said(R"({"error":"x","detail":"why"})", config), "/error x: \"why\"");
  EXPECT_EQ(said("<html>", config), "nothing");
  EXPECT_EQ(said("", config), "nothing");
}

}  // namespace
}  // namespace jeton::agent
