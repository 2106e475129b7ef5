#include "agent/base/secret.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace jeton::agent {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!Printable<SecretString>, "a secret must not have an output operator");
static_assert(!std::is_convertible_v<SecretString, std::string>);
static_assert(!std::is_convertible_v<SecretString, std::string_view>);
static_assert(!std::is_convertible_v<std::string, SecretString>);

TEST(SecretString, TwoSecrets_CompareByContent) {
  EXPECT_EQ(SecretString("abc"), SecretString("abc"));
  EXPECT_FALSE(SecretString("abc") == SecretString("abd"));
  EXPECT_FALSE(SecretString("abc") == SecretString("abcd"));
  EXPECT_EQ(SecretString(), SecretString(""));
}

TEST(SecretString, Fingerprint_IsTheBeginningOfTheSha256) {
  EXPECT_EQ(SecretString("abc").fingerprint(), "ba7816bf");  // FIPS 180-4, example of "abc"
}

TEST(SecretString, IsNullTerminated_IsACString) {
  const SecretString text = null_terminated("abc");
  EXPECT_EQ(text.size(), 4U);
  EXPECT_STREQ(text.reveal().data(), "abc");
}

TEST(Wipe, StringHasContent_IsZeroedAndEmpty) {
  std::string text = "secret-secret-secret-secret";
  const char* data = text.data();
  const std::size_t size = text.size();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(data, size), std::string(size, '\0'));
}

}  // namespace
}  // namespace jeton::agent
