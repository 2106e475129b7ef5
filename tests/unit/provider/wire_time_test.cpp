#include "agent/provider/wire_time.hpp"

#include <gtest/gtest.h>

#include <string>

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
constexpr WallTime example = from_unix_ms(784'111'777'000);

TEST(HttpDate, DateIsInAnyFormOfRfc9110_IsTheSameInstant) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", example), example);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", example), example);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", example), example);
}

TEST(HttpDate, TwoDigitYearIsFarAhead_IsOfThePreviousCentury) {
  const WallTime in_2026 = from_unix_ms(1'795'000'000'000);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", in_2026), example);
  const auto ahead = parse_http_date("Friday, 06-Nov-76 08:49:37 GMT", in_2026);
  ASSERT_TRUE(ahead);
  EXPECT_GT(*ahead, in_2026);
}

TEST(HttpDate, TextIsNoDate_IsRefused) {
  for (const char* text :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text, example)) << text;
  }
}

TEST(RetryAfter, TextIsSeconds_IsRead) {
  EXPECT_EQ(parse_retry_after("0", example), 0s);
  EXPECT_EQ(parse_retry_after("120", example), 120s);
  EXPECT_EQ(parse_retry_after(" 120\t", example), 120s);
  EXPECT_EQ(parse_retry_after("007", example), 7s);
}

// As Shopify sends it.
TEST(RetryAfter, HasAFraction_IsTaken) {
  EXPECT_EQ(parse_retry_after("2.0", example), 2s);
  EXPECT_EQ(parse_retry_after("1.5", example), 1500ms);
  EXPECT_EQ(parse_retry_after("1e9", example), std::nullopt);
  EXPECT_EQ(parse_retry_after("1.2.3", example), std::nullopt);
  EXPECT_EQ(parse_retry_after("99999999999.5", example), 24h);
}

TEST(RetryAfter, TextIsADate_CountsFromTheGivenClock) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", example - 90s), 90s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", example - 90s), 90s);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", example - 90s), 90s);
}

TEST(RetryAfter, DateIsPast_PauseIsZero) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", example + 5s), 0s);
}

TEST(RetryAfter, PauseIsLongerThanADay_IsCutToADay) {
  EXPECT_EQ(parse_retry_after("86401", example), 24h);
  EXPECT_EQ(parse_retry_after("4294967296", example), 24h);
  EXPECT_EQ(parse_retry_after(std::string(300, '9'), example), 24h);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", example), 24h);
}

TEST(RetryAfter, TextIsInvalid_IsNone) {
  for (const char* text : {"", " ", "soon", "-1", ".5.", "+3", "1s", "0x10", "12 34"}) {
    EXPECT_FALSE(parse_retry_after(text, example)) << text;
  }
}

TEST(Rfc3339, TextHasAnOffsetOrAFraction_IsRead) {
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37Z"), example);
  EXPECT_EQ(parse_rfc3339("1994-11-06t08:49:37z"), example);
  EXPECT_EQ(parse_rfc3339("1994-11-06 09:49:37+01:00"), example);
  EXPECT_EQ(parse_rfc3339("1994-11-06T03:19:37-05:30"), example);
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37.25Z"), example + 250ms);
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37.123456789Z"), example + 123ms);
}

TEST(Rfc3339, ZoneIsWrittenInAnotherForm_IsRead) {
  for (const char* text : {"1994-11-06T08:49:37+0000", "1994-11-06T08:49:37-0000", "1994-11-06T09:49:37+01",
                           "1994-11-06 08:49:37 UTC", "1994-11-06 03:19:37 -0530"}) {
    EXPECT_EQ(parse_rfc3339(text), example) << text;
  }
}

TEST(Rfc3339, TextIsNoDate_IsRefused) {
  for (const char* text :
       {"", "1994-11-06", "1994-11-06T08:49:37", "1994-13-06T08:49:37Z", "1994-11-06T08:49:37.Z",
        "1994-11-06T08:49:37+25:00", "1994-11-06T08:49:37+01:0", "94-11-06T08:49:37Z", "1994-11-06T08:49:37 ",
        "1994-11-06T08:49:37+", "1994-11-06T08:49:37+1", "1994-11-06T08:49:37 EST", "1994-11-06T08:49:61Z",
        "1994-11-06T08:49:37Zx", "1994-02-29T08:49:37Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(UnixNumber, IsOfSecondsOrMilliseconds_IsDistinguishedByItsSize) {
  EXPECT_EQ(from_unix_number(784'111'777), example);
  EXPECT_EQ(from_unix_number(784'111'777'000.0), example);
  EXPECT_EQ(from_unix_number(784'111'777.5), example + 500ms);
}

TEST(UnixNumber, IsOfMicrosecondsOrNanoseconds_IsTheSameTime) {
  EXPECT_EQ(from_unix_number(784'111'777e6), example);
  EXPECT_EQ(from_unix_number(784'111'777e9), example);
  EXPECT_EQ(from_unix_number(784'111'777'123.0), example + 123ms);
}

TEST(DurationText, IsOfGoOrProtobuf_IsRead) {
  EXPECT_EQ(parse_duration_text("3600s"), 3'600'000.0);
  EXPECT_EQ(parse_duration_text("1h30m0.5s"), 5'400'500.0);
  EXPECT_EQ(parse_duration_text("250ms"), 250.0);
  EXPECT_EQ(parse_duration_text("PT1H30M0.5S"), 5'400'500.0) << "of ISO 8601";
  for (const char* text : {"", "60", "s", "1x", "1h 2m", "-1s", "1.2.3s", "1e3s", "P1D", "PT", "PT1h2"}) {
    EXPECT_FALSE(parse_duration_text(text)) << text;
  }
}

TEST(UnixNumber, NumberIsNoTime_IsRefused) {
  EXPECT_FALSE(from_unix_number(-1));
  EXPECT_FALSE(from_unix_number(1e300));
  EXPECT_FALSE(from_unix_number(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(from_unix_number(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace jeton::agent
