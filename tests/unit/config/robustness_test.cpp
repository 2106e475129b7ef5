// Whatever a file contains, loading ends soon, says something and never crashes.
#include <gtest/gtest.h>

#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

using namespace std::string_literals;  // texts with a NUL inside

TEST(Robustness, TextNestsTooDeeply_IsRefused) {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "a: {b: [", "{? "}) {
    expect_problem(repeat(opening, 100'000), "deeper than 32 levels");
  }
  std::string stairs;
  for (std::size_t i = 0; i < 500; ++i) stairs += repeat(" ", i) + "a:\n";
  expect_problem(stairs, "deeper than 32 levels");
}

// A key with a dot is not the path of another section.
TEST(Robustness, KeyLooksLikeAPathOfASection_IsApartFromIt) {
  const auto result = load_config_text({{"a.yaml", "version: 1\nagent: {log: {level: debug}}\nagent.log: {x: 1}\n"},
                                        {"b.yaml", "agent: {log: {format: json}}\nagent.log: {y: 1, z: 2}\n"}});
  EXPECT_FALSE(result.config);
  EXPECT_NE(all_texts(result.problems).find("unknown key 'agent.log'"), std::string::npos);
}

TEST(Robustness, DocumentIsOneLine_PlacesAreRight) {
  const auto result = load_text("{version: 1, agent: {runtime_dir: \"/run/a\", x: \"\u00E4\", \"y\": 1, log: \"z\n");
  ASSERT_FALSE(result.problems.empty());
  EXPECT_TRUE(
      result.problems.back().text().starts_with("agent.yaml:1:66: error: the quote that opens here is not closed"))
      << all_texts(result.problems);
}

TEST(Robustness, TextHasAliases_IsRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(last + ", ", 9) + last + "]\n";
  }
  expect_problem(text, "aliases (*name) are not supported");
}

TEST(Robustness, TextHasInvalidBytes_IsRefused) {
  expect_problem("version: 1\n\0\n"s, "agent.yaml:2:1: error: a NUL byte");
  expect_problem("\xFF\xFEv\0e\0"s, "not UTF-8");
  expect_problem("version: \x1B[31m1\n", "control character");
}

TEST(Robustness, TooManyProblems_AreCutOff) {
  std::string text = "version: 1\nagent:\n";
  for (int i = 0; i < 5'000; ++i) text += "  k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(load_text(text).problems.size(), 1'000U);
}

// YAML allows a tab inside of a word.
TEST(Robustness, PathHasAControlCharacter_IsNamedOnOneLine) {
  expect_problem("version: 1\ntokens: {t: {source: {type: exec, command: [/none\tsuch]}}}\n",
                 "/none such: No such file");
}

TEST(Robustness, ValueOrKeyIsVeryLong_MessageIsShort) {
  const auto result = load_text("version: 1\nagent: {runtime_dir: " + std::string(100'000, 'x') + "}\n" +
                                std::string(900, 'k') + ": 1\n");
  ASSERT_EQ(result.problems.size(), 2U);
  for (const auto& problem : result.problems) EXPECT_LT(problem.message.size(), 300U);
}

}  // namespace
}  // namespace jeton::test
