// Whatever a file contains, loading ends soon, says something and never crashes.
#include <gtest/gtest.h>

#include <random>

#include "agent/config/yaml/yaml_document.hpp"
#include "tests/support/seed_of_the_day.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/config/broken_config.hpp"
#include "tests/unit/config/shipped_config.hpp"

namespace jeton::test {
namespace {

using namespace std::string_literals;  // texts with a NUL inside

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

void expect_problem(const std::string& text, std::string_view message) {
  const auto result = load_text(text);
  EXPECT_FALSE(result.config);
  ASSERT_FALSE(result.problems.empty());
  EXPECT_NE(all_texts(result.problems).find(message), std::string::npos) << result.problems.front().text();
}

TEST(Robustness, TextNestsTooDeeply_IsRefused) {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "a: {b: [", "{? "}) {
    expect_problem(repeat(opening, 100'000), "deeper than 32 levels");
  }
  std::string stairs;
  for (std::size_t i = 0; i < 500; ++i) stairs += repeat(" ", i) + "a:\n";
  expect_problem(stairs, "deeper than 32 levels");
}

TEST(Robustness, TextOrItemCountIsTooLarge_IsRefused) {
  expect_problem(repeat("# 34567890123456789012345678901\n", 512 * 1024 + 1), "larger than 16 MiB; move some");
  expect_problem("a: [" + repeat("b,", 500'000) + "]\n", "more than 500000");
  std::string many_keys;
  for (int i = 0; i < 250'001; ++i) many_keys += "k" + std::to_string(i) + ":\n";
  expect_problem(many_keys, "more than 500000");
}

std::string small_token(int number) {
  return "  token-" + std::to_string(number) +
         ":\n    source: {type: http, url: 'https://provider.example.com/v1/clients/0123456789/token', method: POST}\n";
}

TEST(Robustness, TokensAreTenThousandInOneFile_AllAreLoaded) {
  std::string text = "version: 1\ntokens:\n";
  for (int i = 0; i < 10'000; ++i) text += small_token(i);
  ASSERT_GT(text.size(), 1024U * 1024) << "more than a usual file";
  const auto result = load_text(text);
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_EQ(result.config->tokens.size(), 10'000U);
}

TEST(Robustness, TokensAreInAFileEach_AllAreLoadedAndTheSecondOfANameIsRefused) {
  std::vector<agent::ConfigText> files{{"first.yaml", "version: 1\n"}};
  for (int i = 0; i < 1'000; ++i) files.push_back({std::to_string(i) + ".yaml", "tokens:\n" + small_token(i)});
  const auto result = load_config_text(files);
  ASSERT_TRUE(result.config) << all_texts(result.problems);
  EXPECT_EQ(result.config->tokens.size(), 1'000U);
  files.push_back({"last.yaml", "tokens:\n" + small_token(500)});
  const auto refused = load_config_text(files);
  ASSERT_EQ(refused.problems.size(), 1U) << all_texts(refused.problems);
  EXPECT_EQ(refused.problems[0].text(), "last.yaml:2:3: error: token 'token-500' is already set at 500.yaml:2:3");
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

// One step of damage to a text that was right.
std::string damaged(std::string text, std::mt19937_64& random) {
  static const std::vector<std::string> pieces{
      "\t", "\n",  " ",  ":",   ": ", "#",   "-",  "- ",  "[",     "]",     "{",        "}",
      ",",  "\"",  "'",  "|\n", ">",  "&a ", "*a", "!!x", "---\n", "...\n", "<<: ",     "? ",
      "@",  "${",  "}}", "~",   "%",  "\\",  "\r", "\0"s, "\x80",  "\xC3",  "\xF0\x9F", "999999999999999999999",
      "d",  "null"};
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  const std::size_t at = below(text.size() + 1);
  switch (below(5)) {
    case 0:
      return text.substr(0, at);
    case 1:
      return text.erase(at, below(40));
    case 2:
      return text.insert(at, text.substr(below(text.size() + 1), below(200)));
    case 3:
      if (at < text.size()) text[at] = static_cast<char>(below(256));
      return text;
    default:
      return text.insert(at, pieces[below(pieces.size())]);
  }
}

TEST(Robustness, TextIsDamaged_IsLoadedOrHasAProblem) {
  const std::uint64_t seed = test::seed_of_the_day();
  SCOPED_TRACE("JETON_TEST_SEED=" + std::to_string(seed));
  std::printf("JETON_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 random(seed);

  std::vector<std::string> originals{switched_on(read_file(config_dir / "agent.yaml"))};
  for (const char* file : {"wechat.yaml", "oauth2-client-credentials.yaml", "bare-json.yaml"}) {
    originals.push_back(read_file(config_dir / "examples" / file));
  }
  std::erase_if(originals[0], [in_comment = false](char c) mutable {  // damage belongs to the settings
    in_comment = c == '#' || (in_comment && c != '\n');
    return in_comment;
  });

  for (int i = 0; i < 2'000; ++i) {
    std::string text = originals[static_cast<std::size_t>(i) % originals.size()];
    for (std::size_t steps = 1 + random() % 4; steps > 0; --steps) text = damaged(std::move(text), random);
    const auto result = load_text(text);
    ASSERT_TRUE(result.config || !result.problems.empty()) << text;
    for (const auto& problem : result.problems) ASSERT_FALSE(problem.message.empty()) << text;
  }
}

}  // namespace
}  // namespace jeton::test
