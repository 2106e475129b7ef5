#include "agent/http/url.hpp"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

TEST(Url, CharacterIsReserved_IsPercentEncoded) {
  EXPECT_EQ(percent_encoded("aZ09-._~").reveal(), "aZ09-._~");
  EXPECT_EQ(percent_encoded("a b&c=d+e/%").reveal(), "a%20b%26c%3Dd%2Be%2F%25");
  EXPECT_EQ(percent_encoded("\xc3\xa9\n").reveal(), "%C3%A9%0A");
  EXPECT_EQ(percent_encoded(std::string_view("\0", 1)).reveal(), "%00");
}

TEST(Url, UrlHasAQuery_ParametersAreAppended) {
  Parameters parameters;
  parameters.emplace_back("a", SecretString("1"));
  parameters.emplace_back("b&", SecretString("2="));
  EXPECT_EQ(with_query(SecretString("https://h/t"), parameters).reveal(), "https://h/t?a=1&b%26=2%3D");
  EXPECT_EQ(with_query(SecretString("https://h/t?x=y"), parameters).reveal(), "https://h/t?x=y&a=1&b%26=2%3D");
  EXPECT_EQ(with_query(SecretString("https://h/t?"), parameters).reveal(), "https://h/t?a=1&b%26=2%3D");
  EXPECT_EQ(with_query(SecretString("https://h/t?x=y"), {}).reveal(), "https://h/t?x=y");
}

}  // namespace
}  // namespace jeton::agent
