// When a token ends: the earliest of all that its answer says, in every form in which providers say it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/jwt/jwt_until.hpp"
#include "tests/unit/provider/answer_testing.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using In = AnswerPlace::In;
using test::jwt_until;

// How long the token lives by this value of expires_in or expires_at; the message of a refusal.
std::string outcome(const std::string& value, const ResponseConfig& config) {
  try {
    const FetchedToken token = read_answer(R"({"access_token":"tok-SECRET-1","end":)" + value + "}", config);
    return std::to_string((token.expires_at - asked).count()) + " ms";
  } catch (const SourceError& e) {
    EXPECT_THAT(e.what(), Not(HasSubstr("SECRET")));
    return e.what();
  }
}

ResponseConfig lifetime_config() {
  ResponseConfig config;
  config.expires_in = "/end";
  return config;
}

ResponseConfig date_config() {
  ResponseConfig config;
  config.expires_in.clear();
  config.expires_at = "/end";
  return config;
}

TEST(AnswerExpiry, JwtEndsEarlierThanTheAnswerSays_JwtCounts) {
  const std::string body = R"({"expires_in":3600,"access_token":")" + jwt_until(asked + 120s) + "\"}";
  EXPECT_EQ(read_answer(body, {}).expires_at, asked + 120s);
  const std::string longer = R"({"expires_in":60,"access_token":")" + jwt_until(asked + 120s) + "\"}";
  EXPECT_EQ(read_answer(longer, {}).expires_at, asked + 60s);
}

TEST(AnswerExpiry, OnlyTheJwtNamesAnEnd_NoDefaultIsNeeded) {
  EXPECT_EQ(read_answer(R"({"access_token":")" + jwt_until(asked + 120s) + "\"}", {}).expires_at, asked + 120s);
}

TEST(AnswerExpiry, JwtHasRunOut_IsRefused) {
  try {
    static_cast<void>(read_answer(R"({"expires_in":3600,"access_token":")" + jwt_until(asked - 1s) + "\"}", {}));
    FAIL() << "accepted";
  } catch (const SourceError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("has expired (exp)"), HasSubstr("clock")));
  }
}

TEST(AnswerExpiry, JwtInAHeaderOrTheWholeBody_ItsEndCounts) {
  ResponseConfig config;
  config.token = {In::header, "X-Token"};
  config.expires_in.clear();
  config.default_lifetime = 1h;
  EXPECT_EQ(read_answer("", config, {{"X-Token", SecretString("Bearer " + jwt_until(asked + 120s))}}).expires_at,
            asked + 120s);
  config.token.clear();
  config.format = ResponseConfig::Format::text;
  EXPECT_EQ(read_answer(jwt_until(asked + 120s), config).expires_at, asked + 120s);
}

TEST(AnswerExpiry, StandsInAHeader_EarliestOfBothCounts) {
  ResponseConfig config;
  config.expires_at = {In::header, "Expires"};
  const auto with_header = [&](const std::string& value) {
    return read_answer(R"({"access_token":"t","expires_in":60})", config, {{"expires", SecretString(value)}})
        .expires_at;
  };
  EXPECT_EQ(with_header("Wed, 18 Nov 2026 11:07:10 GMT"), asked + 30s);
  EXPECT_EQ(with_header("Wed, 18 Nov 2026 12:00:00 GMT"), asked + 60s);
  EXPECT_EQ(with_header("1795000020"), asked + 20s);
}

TEST(Lifetime, IsWrittenInOneOfManyForms_IsRead) {
  for (const char* value : {"3600", "\"3600\"", "\"3600.0\"", "3600.0", "3.6e3", "\"3.6e3\"", "\"3600s\"", "\"1h\"",
                            "\"1h0m0s\"", "\"60m\"", "\"3600000ms\""}) {
    EXPECT_EQ(outcome(value, lifetime_config()), "3600000 ms") << value;
  }
}

TEST(Lifetime, HasAnotherUnit_IsCountedInIt) {
  ResponseConfig config = lifetime_config();
  config.expiry_unit = 1ms;
  EXPECT_EQ(outcome("3600000", config), "3600000 ms");
  config.expiry_unit = 1min;
  EXPECT_EQ(outcome("\"60\"", config), "3600000 ms");
  EXPECT_EQ(outcome("\"90s\"", config), "90000 ms") << "it has a unit of its own";
}

// By which some mean "never".
TEST(Lifetime, IsZeroNegativeOrEndless_DefaultLifetimeCountsAndTheMessageLeadsToIt) {
  for (const char* value : {"0", "\"0\"", "-1", "2147483647", "\"9223372036854775807\"", "1e300"}) {
    ResponseConfig config = lifetime_config();
    EXPECT_THAT(outcome(value, config),
                AllOf(HasSubstr("expires_in (/end)"), HasSubstr("set response.default_lifetime")))
        << value;
    config.default_lifetime = 2h;
    EXPECT_EQ(outcome(value, config), "7200000 ms") << value;
  }
  EXPECT_THAT(outcome("3600000000", lifetime_config()), HasSubstr("response.expiry_unit"));
}

// As TikTok Shop's access_token_expire_in.
TEST(Lifetime, IsADate_IsRefusedAndTheMessageLeadsToExpiresAt) {
  ResponseConfig config = lifetime_config();
  config.default_lifetime = 2h;
  for (const char* value : {"1795003600", "\"1795003600\"", "1795003600000"})
    EXPECT_THAT(outcome(value, config), HasSubstr("is a date and no lifetime; set response.expires_at: /end")) << value;
}

// 21 days in milliseconds are a date of the year 2027 in seconds.
TEST(Lifetime, HasAnotherUnitAndTheDigitsOfADate_IsALifetime) {
  ResponseConfig config = lifetime_config();
  config.expiry_unit = 1ms;
  EXPECT_EQ(outcome("1814400000", config), "1814400000 ms");
  EXPECT_THAT(outcome("1795003600000", config), HasSubstr("is a date and no lifetime"));
}

TEST(Lifetime, IsNone_IsRefusedWhateverTheDefault) {
  ResponseConfig config = lifetime_config();
  config.default_lifetime = 2h;
  for (const char* value : {"\"soon\"", "true", "{}", "\"\"", "\"1x\"", "\"h\"", "\"0x10\"", "\"inf\"", "\"1h 2\"",
                            "\"2026-11-18T11:07:40Z\""}) {
    EXPECT_THAT(outcome(value, config), HasSubstr("is not a number of seconds; is it a date (response.expires_at)?"))
        << value;
  }
}

TEST(ExpiryDate, IsWrittenInOneOfManyForms_IsRead) {
  for (const char* value :
       {"1795000060", "\"1795000060\"", "\"1795000060.0\"", "1795000060000", "\"1795000060000\"", "1795000060000000",
        "1795000060000000000", "\"2026-11-18T11:07:40Z\"", "\"2026-11-18T11:07:40+0000\"", "\"2026-11-18T12:07:40+01\"",
        "\"2026-11-18 06:37:40.000 -0430\"", "\"2026-11-18 11:07:40 UTC\"", "\"Wed, 18 Nov 2026 11:07:40 GMT\"",
        "\"Wed, 18 Nov 2026 11:07:40 +0000\"", "\"Wed, 18-Nov-2026 11:07:40 GMT\"", "\"Wed Nov 18 11:07:40 2026\""}) {
    EXPECT_EQ(outcome(value, date_config()), "60000 ms") << value;
  }
}

TEST(ExpiryDate, IsPast_IsRefusedWhateverTheDefault) {
  ResponseConfig config = date_config();
  config.default_lifetime = 2h;
  for (const char* value : {"1794999999", "\"Wed, 18 Nov 2026 11:06:39 GMT\"", "\"2026-11-18T12:06:39+0100\""}) {
    EXPECT_THAT(outcome(value, config), HasSubstr("is in the past")) << value;
  }
}

TEST(ExpiryDate, IsZeroOrInCenturies_DefaultLifetimeCountsAndTheMessageLeadsToIt) {
  for (const char* value : {"0", "-1", "\"9999-12-31T23:59:59Z\"", "253402300799", "253402300799000", "1e300"}) {
    ResponseConfig config = date_config();
    EXPECT_THAT(outcome(value, config),
                AllOf(HasSubstr("expires_at (/end)"), HasSubstr("set response.default_lifetime")))
        << value;
    config.default_lifetime = 2h;
    EXPECT_EQ(outcome(value, config), "7200000 ms") << value;
  }
}

TEST(ExpiryDate, HasNoZone_IsRefused) {
  for (const char* value : {"\"2026-11-18T11:07:40\"", "\"2026-11-18 11:07:40.123456\""})
    EXPECT_THAT(outcome(value, date_config()), AllOf(HasSubstr("no time zone"), HasSubstr("default_lifetime")))
        << value;
  EXPECT_THAT(outcome("\"tomorrow\"", date_config()), HasSubstr("neither unix seconds"));
}

}  // namespace
}  // namespace jeton::agent
