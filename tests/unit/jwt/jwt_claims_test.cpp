#include "agent/jwt/jwt_claims.hpp"

#include <gtest/gtest.h>

#include <string>

#include "agent/jwt/base64url.hpp"

namespace jeton::agent {
namespace {

const std::string es256_header = R"({"alg":"ES256"})";

std::optional<JwtTimes> times_of(const std::string& head, const std::string& claims) {
  return read_jwt_times(base64url_encode(head) + "." + base64url_encode(claims) + ".c2ln");
}

std::optional<WallTime> expiry_of(const std::string& claims) {
  const auto times = times_of(es256_header, claims);
  return times ? times->expires_at : std::nullopt;
}

TEST(Base64Url, EveryLength_DecodesToTheSameBytes) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    const auto read = base64url_decode(base64url_encode(bytes));
    ASSERT_TRUE(read) << i;
    EXPECT_EQ(read->reveal(), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
}

TEST(Base64Url, TextIsNotCanonical_IsRefused) {
  for (const char* text : {"A", "AA==", "AAA=", "A A", "AA\n", "+/+/", "AB", "AAB", "AAAAA", "\xc3\xa4"}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
}

TEST(JwtTimes, ClaimsHaveThreeTimes_AreRead) {
  const auto times = times_of(es256_header, R"({"iss":"x","iat":1700000000,"nbf":1700000001,"exp":1700003600.25})");
  ASSERT_TRUE(times);
  EXPECT_EQ(times->issued_at, from_unix_ms(1700000000000));
  EXPECT_EQ(times->not_before, from_unix_ms(1700000001000));
  EXPECT_EQ(times->expires_at, from_unix_ms(1700003600250));
}

TEST(JwtTimes, ClaimsHaveNoTimes_IsAToken) { EXPECT_EQ(times_of(es256_header, R"({"sub":"x"})"), JwtTimes{}); }

TEST(JwtTimes, TimesAreNested_AreIgnored) {
  EXPECT_EQ(times_of(es256_header, R"({"act":{"exp":5,"iat":"x"},"l":[{"exp":6}]})"), JwtTimes{});
  EXPECT_EQ(expiry_of(R"({"act":{"exp":5},"exp":7})"), from_unix_ms(7000));
}

TEST(JwtTimes, ValueIsNoTime_CountsAsAbsent) {
  for (const char* claims : {R"({"exp":null})", R"({"exp":true})", R"({"exp":-1})", R"({"exp":[1]})", R"({"exp":{}})",
                             R"({"exp":"soon"})", R"({"exp":""})", R"({"exp":1e300})", R"({"exp":"-5"})"}) {
    EXPECT_EQ(times_of(es256_header, claims), JwtTimes{}) << claims;
  }
  EXPECT_FALSE(times_of(es256_header, R"({"exp":1e400})"));
}

// A token must never be taken for one that lasts longer than it does.
TEST(JwtTimes, ExpIsWrittenInAnotherWay_IsRead) {
  for (const char* claims : {R"({"exp":"1700000000"})", R"({"exp":1700000000000})", R"({"iat":"x","exp":1700000000})",
                             R"({"exp":1700000000,"exp":1800000000})", R"({"exp":1800000000,"exp":1700000000})"}) {
    EXPECT_EQ(expiry_of(claims), from_unix_ms(1700000000000)) << claims;
  }
  EXPECT_EQ(expiry_of(R"({"exp":253402300799})"), from_unix_ms(253402300799000)) << "the year 9999";
}

// As AWS's load balancers write them.
TEST(JwtTimes, PartsArePadded_AreRead) {
  const auto padded = [](std::string part) {
    while (part.size() % 4 != 0) part += '=';
    return part;
  };
  for (const char* claims : {R"({"exp":1795000060})", R"({"exp":1795000060 })", R"({"exp":1795000060  })"}) {
    const auto times = read_jwt_times(padded(base64url_encode(es256_header)) + "." + padded(base64url_encode(claims)) +
                                      "." + padded("c2lnbg"));
    ASSERT_TRUE(times) << claims;
    EXPECT_EQ(times->expires_at, from_unix_ms(1'795'000'060'000));
  }
}

TEST(JwtTimes, TextIsNoToken_IsRefused) {
  const std::string good = base64url_encode(es256_header) + "." + base64url_encode(R"({"exp":1})");
  EXPECT_TRUE(read_jwt_times(good + ".c2ln"));
  for (const std::string& text : {std::string(), std::string(".."), good, good + ".c2ln.c2ln", good + ".c2ln.x.y.z",
                                  good + ".c2l=", " " + good + ".c2ln", good + ".c2ln\n", std::string("opaque-token"),
                                  std::string(max_jwt_size, 'A') + ".e30.c2ln"}) {
    EXPECT_FALSE(read_jwt_times(text)) << text.substr(0, 100);
  }
  EXPECT_FALSE(times_of("[]", "{}"));
  EXPECT_FALSE(times_of("{}", "{}"));
  EXPECT_FALSE(times_of(R"({"alg":1})", "{}"));
  EXPECT_FALSE(times_of(es256_header, "[]"));
  EXPECT_FALSE(times_of(es256_header, "1"));
  EXPECT_FALSE(times_of(es256_header, R"({"exp":1)"));
  EXPECT_FALSE(times_of(es256_header, R"({"exp":1} {})"));
  EXPECT_FALSE(times_of(es256_header, "{\"a\":\"\xff\"}"));
}

TEST(JwtTimes, JsonNestsTooDeeply_IsRefused) {
  const auto nested = [](int depth) {
    return R"({"a":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_TRUE(times_of(es256_header, nested(max_jwt_depth - 1)));
  EXPECT_FALSE(times_of(es256_header, nested(max_jwt_depth)));
  EXPECT_FALSE(times_of(es256_header, R"({"a":)" + std::string(40000, '[')));
}

}  // namespace
}  // namespace jeton::agent
