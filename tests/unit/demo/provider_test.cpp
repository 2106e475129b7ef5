#include "agent/demo/provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "agent/base/time.hpp"
#include "agent/http/http_client.hpp"
#include "tests/support/loop.hpp"

namespace jeton::agent::demo {
namespace {

using namespace std::chrono_literals;

BootTime at(Duration since_boot) { return BootTime{since_boot}; }

TEST(CheckedToken, TokenIsCutOrChanged_IsNotWhole) {
  OsRandom random;
  const std::string token = make_checked_token(17, random);
  EXPECT_EQ(checked_token_serial(token), 17U);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string torn = token;
    torn[i] = torn[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(checked_token_serial(torn)) << i;
    EXPECT_FALSE(checked_token_serial(token.substr(0, i))) << i;
  }
  EXPECT_FALSE(checked_token_serial(""));
  EXPECT_FALSE(checked_token_serial("."));
}

TEST(CheckedToken, HalvesOfTwoTokens_AreNotWhole) {
  OsRandom random;
  const std::string a = make_checked_token(1, random, 1024);
  const std::string b = make_checked_token(2, random, 1024);
  ASSERT_EQ(a.size(), 1024U);
  ASSERT_EQ(b.size(), 1024U);
  EXPECT_FALSE(checked_token_serial(a.substr(0, 512) + b.substr(512)));
}

TEST(TokenIssuer, NewTokenIsIssued_OldOneEndsAfterTheOverlap) {
  OsRandom random;
  TokenIssuer issuer({.lifetime = 10s, .overlap = 2s, .rate_interval = 0ms, .token_size = 0}, random);
  const auto first = issuer.request("a", at(0s));
  EXPECT_TRUE(issuer.accepts(first.token, at(5s)));
  const auto second = issuer.request("a", at(7s));
  EXPECT_TRUE(issuer.accepts(first.token, at(8s)));
  EXPECT_FALSE(issuer.accepts(first.token, at(9s)));
  EXPECT_TRUE(issuer.accepts(second.token, at(16s)));
  EXPECT_FALSE(issuer.accepts(second.token, at(17s)));
  EXPECT_FALSE(issuer.accepts("", at(8s)));
}

TEST(TokenIssuer, OverlapIsLongerThanTheRemainingLife_TokenEndsAtItsExpiry) {
  OsRandom random;
  TokenIssuer issuer({.lifetime = 10s, .overlap = 5s, .rate_interval = 0ms, .token_size = 0}, random);
  const auto first = issuer.request("a", at(0s));
  static_cast<void>(issuer.request("a", at(9s)));
  EXPECT_FALSE(issuer.accepts(first.token, at(10s)));
}

TEST(TokenIssuer, AddressAsksTooSoon_OnlyThatAddressIsRefused) {
  OsRandom random;
  TokenIssuer issuer({.lifetime = 10s, .overlap = 2s, .rate_interval = 2s, .token_size = 0}, random);
  EXPECT_FALSE(issuer.request("a", at(0s)).token.empty());
  const auto refused = issuer.request("a", at(1500ms));
  EXPECT_TRUE(refused.token.empty());
  EXPECT_EQ(refused.retry_after, 500ms);
  EXPECT_FALSE(issuer.request("b", at(1500ms)).token.empty());
  EXPECT_EQ(issuer.request("a", at(2s)).serial, 3U);
}

class ProviderTest : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& url, const std::string& token = {}) {
    HttpRequest request;
    request.url = SecretString(url);
    request.display = url;
    request.timeout = 20s;
    if (!token.empty()) request.headers.push_back({"Authorization", SecretString("Bearer " + token)});
    return loop_.run(client_.perform(std::move(request)));
  }
  static std::string token_of(const HttpResponse& response) {
    const std::string body(response.body.reveal());
    const auto begin = body.find("demo.");
    return body.substr(begin, body.find('"', begin) - begin);
  }

  SystemClock clock_;
  test::Loop loop_;
  HttpClient client_;
};

TEST_F(ProviderTest, TokenIsIssued_ApiAcceptsItAndNoOther) {
  Provider provider({.lifetime = 2500ms + 1h, .overlap = 1h, .rate_interval = 0ms, .token_size = 0}, clock_);
  const HttpResponse response = get(provider.token_url());
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(response.body.reveal()), ::testing::HasSubstr(R"("expires_in":3602.5})"));
  const std::string token = token_of(response);
  EXPECT_EQ(checked_token_serial(token), 1U);
  const std::string api_url = "http://127.0.0.1:" + std::to_string(provider.port()) + "/api";
  EXPECT_EQ(get(api_url, token).status, 200);
  EXPECT_EQ(get(api_url, "demo.1.forged").status, 401);
  EXPECT_EQ(get(api_url).status, 401);
  EXPECT_EQ(provider.counts().token_requests(), 1U);
  EXPECT_EQ(provider.counts().issued, 1U);
}

TEST_F(ProviderTest, SecondRequestIsTooSoon_IsRefusedWithRetryAfter) {
  Provider provider({.lifetime = 1h, .overlap = 1h, .rate_interval = 1h, .token_size = 0}, clock_);
  EXPECT_EQ(get(provider.token_url()).status, 200);
  const HttpResponse refused = get(provider.token_url());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.retry_after, "3600");
  EXPECT_EQ(provider.counts().refused, 1U);
}

TEST_F(ProviderTest, PathIsUnknown_IsNotFound) {
  Provider provider({}, clock_);
  const std::string root = provider.token_url().substr(0, provider.token_url().rfind('/'));
  EXPECT_EQ(get(root + "/elsewhere").status, 404);
}

}  // namespace
}  // namespace jeton::agent::demo
