#include <gtest/gtest.h>

#include "agent/config/model/sources/source_config.hpp"

namespace jeton::agent {
namespace {

using std::chrono::seconds;

TEST(LongestFetch, OfHttpAndExec_IsTheirTimeout) {
  HttpSourceConfig http;
  http.egress.timeout = seconds(7);
  EXPECT_EQ(longest_fetch(http), seconds(7));
  ExecSourceConfig exec;
  exec.timeout = seconds(9);
  EXPECT_EQ(longest_fetch(exec), seconds(9));
}

TEST(LongestFetch, OfOAuth2_IsThatOfAllItsRequests) {
  OAuth2SourceConfig oauth2;
  oauth2.egress.timeout = seconds(5);
  EXPECT_EQ(longest_fetch(oauth2), seconds(5));
  oauth2.issuer = "https://auth.example.com";
  EXPECT_EQ(longest_fetch(oauth2), seconds(15)) << "metadata at two places";
  oauth2.grant = OAuth2SourceConfig::Grant::refresh_token;
  EXPECT_EQ(longest_fetch(oauth2), seconds(30)) << "and once more for the refresh token before";
}

}  // namespace
}  // namespace jeton::agent
