#include "agent/jwt/jwt_claims.hpp"

#include <gtest/gtest.h>

#include <string>

#include "agent/jwt/base64url.hpp"

namespace jeton::agent {
namespace {

const std::string es256_header = R"({"alg":"ES256"})";

std::optional<WallTime> expiry_of(const std::string& claims, const std::string& head = es256_header) {
  return jwt_expiry(base64url_encode(head) + "." + base64url_encode(claims) + ".c2ln");
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

TEST(JwtExpiry, ClaimsHaveThreeTimes_ExpIsRead) {
  EXPECT_EQ(expiry_of(R"({"iss":"x","iat":1700000000,"nbf":1700000001,"exp":1700003600.25})"),
            from_unix_ms(1700003600250));
}

TEST(JwtExpiry, TimesAreNested_AreIgnored) {
  EXPECT_FALSE(expiry_of(R"({"act":{"exp":5,"iat":"x"},"l":[{"exp":6}]})"));
  EXPECT_EQ(expiry_of(R"({"act":{"exp":5},"exp":7})"), from_unix_ms(7000));
}

TEST(JwtExpiry, ValueIsNoTime_CountsAsAbsent) {
  for (const char* claims : {R"({"exp":null})", R"({"exp":true})", R"({"exp":-1})", R"({"exp":[1]})", R"({"exp":{}})",
                             R"({"exp":"soon"})", R"({"exp":""})", R"({"exp":1e300})", R"({"exp":"-5"})",
                             R"({"sub":"x"})", R"({"iat":7,"nbf":7})", R"({"exp":1e400})"}) {
    EXPECT_FALSE(expiry_of(claims)) << claims;
  }
}

// A token must never be taken for one that lasts longer than it does.
TEST(JwtExpiry, ExpIsWrittenInAnotherWay_IsRead) {
  for (const char* claims : {R"({"exp":"1700000000"})", R"({"exp":1700000000000})", R"({"iat":"x","exp":1700000000})",
                             R"({"exp":1700000000,"exp":1800000000})", R"({"exp":1800000000,"exp":1700000000})"}) {
    EXPECT_EQ(expiry_of(claims), from_unix_ms(1700000000000)) << claims;
  }
  EXPECT_EQ(expiry_of(R"({"exp":253402300799})"), from_unix_ms(253402300799000)) << "the year 9999";
}

// As AWS's load balancers write them.
TEST(JwtExpiry, PartsArePadded_AreRead) {
  const auto padded = [](std::string part) {
    while (part.size() % 4 != 0) part += '=';
    return part;
  };
  for (const char* claims : {R"({"exp":1795000060})", R"({"exp":1795000060 })", R"({"exp":1795000060  })"}) {
    const std::string parts = padded(base64url_encode(es256_header)) + "." + padded(base64url_encode(claims));
    EXPECT_EQ(jwt_expiry(parts + "." + padded("c2lnbg")), from_unix_ms(1'795'000'060'000)) << claims;
  }
}

TEST(JwtExpiry, TextIsNoToken_IsRefused) {
  const std::string with_exp = R"({"exp":1})";
  const std::string good = base64url_encode(es256_header) + "." + base64url_encode(with_exp);
  EXPECT_TRUE(jwt_expiry(good + ".c2ln"));
  for (const std::string& text : {std::string(), std::string(".."), good, good + ".c2ln.c2ln", good + ".c2ln.x.y.z",
                                  good + ".c2l=", " " + good + ".c2ln", good + ".c2ln\n", std::string("opaque-token"),
                                  good + "." + std::string(max_jwt_size, 'A')}) {
    EXPECT_FALSE(jwt_expiry(text)) << text.substr(0, 100);
  }
  for (const char* head : {"[]", "{}", R"({"alg":1})"}) EXPECT_FALSE(expiry_of(with_exp, head)) << head;
  for (const char* claims :
       {R"([{"exp":1}])", R"(["exp",1])", "1", R"({"exp":1)", R"({"exp":1} {})", "{\"exp\":1,\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(expiry_of(claims)) << claims;
  }
}

TEST(JwtExpiry, JsonNestsTooDeeply_IsRefused) {
  const auto nested = [](int depth) {
    return R"({"exp":1,"a":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_TRUE(expiry_of(nested(max_jwt_depth - 1)));
  EXPECT_FALSE(expiry_of(nested(max_jwt_depth)));
  EXPECT_FALSE(expiry_of(R"({"exp":1,"a":)" + std::string(40000, '[')));
}

}  // namespace
}  // namespace jeton::agent
