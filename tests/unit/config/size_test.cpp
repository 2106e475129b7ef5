// The largest configurations that are read, and larger ones.
#include <gtest/gtest.h>

#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

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

}  // namespace
}  // namespace jeton::test
