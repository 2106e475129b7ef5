#include "agent/base/excerpt.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace jeton::agent {
namespace {

TEST(Excerpt, TextHasSecrets_AreReplacedByAsterisks) {
  std::vector<SecretString> secrets;
  secrets.emplace_back("hunter2");
  secrets.emplace_back("hunter2-long");
  EXPECT_EQ(excerpt("bad hunter2, hunter2-long!", secrets), "bad ***, ***!");
}

TEST(Excerpt, SecretIsAtTheCut_NoPartIsShown) {
  std::vector<SecretString> secrets;
  secrets.emplace_back("0123456789secret");
  const std::string text = std::string(excerpt_limit - 5, 'x') + "0123456789secret";
  EXPECT_EQ(excerpt(text, secrets).find("0123"), std::string::npos);
}

TEST(Excerpt, TextHasControlCharacters_AreReplacedBySpaces) {
  EXPECT_EQ(excerpt("a\nb\x1b[31mc\x7f\xc2\x9b"), "a b [31mc  ");
}

TEST(Excerpt, TextIsTooLong_IsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 2 * excerpt_limit) text += "\xe4\xbd\xa0";  // three bytes each
  const std::string cut = excerpt(text);
  EXPECT_TRUE(cut.ends_with("..."));
  EXPECT_EQ((cut.size() - 3) % 3, 0U);
  EXPECT_LE(cut.size(), excerpt_limit + 6);
}

TEST(Excerpt, TextThatIsNoUtf8_IsCutAsWell) {
  EXPECT_LE(excerpt(std::string(100'000, '\x80')).size(), excerpt_limit + 6);
}

TEST(Excerpt, TextIsShort_IsUnchanged) {
  EXPECT_EQ(excerpt("invalid appid \xe4\xbd\xa0"), "invalid appid \xe4\xbd\xa0");
}

}  // namespace
}  // namespace jeton::agent
