// ${token:NAME}: which chains a configuration may have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/broken_config.hpp"

namespace jeton::agent {
namespace {

using testing::HasSubstr;

std::string token(const std::string& name, const std::string& query) {
  return "  " + name + ":\n    source: {type: http, url: 'https://h/', query: {q: '" + query + "'}}\n";
}

LoadResult load(const std::string& tokens) { return test::load_text("version: 1\ntokens:\n" + tokens); }

TEST(Chain, SourceUsesOtherTokens_AreListed) {
  const LoadResult result =
      load(token("a", "1") + token("b", "Bearer ${token:a}") + token("c", "${token:a}${token:b}"));
  ASSERT_TRUE(result.config) << test::all_texts(result.problems);
  EXPECT_TRUE(result.config->tokens.at("a").uses.empty());
  EXPECT_EQ(result.config->tokens.at("b").uses, std::set<std::string>{"a"});
  EXPECT_EQ(result.config->tokens.at("c").uses, (std::set<std::string>{"a", "b"}));
}

TEST(Chain, TokenUsesItself_IsRefused) {
  EXPECT_THAT(test::all_texts(load(token("a", "${token:a}")).problems),
              HasSubstr("use each other in a circle: a -> a"));
}

TEST(Chain, TokensUseEachOtherInACircle_IsRefusedOnceWithItsPath) {
  const std::string problems =
      test::all_texts(load(token("a", "${token:b}") + token("b", "${token:c}") + token("c", "${token:a}")).problems);
  EXPECT_EQ(problems.find("in a circle"), problems.rfind("in a circle")) << "one circle is one mistake: " << problems;
  EXPECT_THAT(
      problems,
      HasSubstr("agent.yaml:4:56: error: the sources of these tokens use each other in a circle: a -> b -> c -> a"));
}

TEST(Chain, UsedTokenIsMissing_IsRefused) {
  EXPECT_THAT(test::all_texts(load(token("a", "${token:b}") + token("d", "1")).problems),
              HasSubstr("${token:b}: there is no token with that name; the other tokens are d"));
}

TEST(Chain, ReferenceIsNotInASource_IsRefused) {
  const LoadResult result = test::load_text(
      "version: 1\ncoordination: {backend: redis, redis: {endpoint: 'redis://h', password: '${token:a}'}}\ntokens:\n" +
      token("a", "1"));
  EXPECT_THAT(test::all_texts(result.problems), HasSubstr("in the source of another token only"));
}

}  // namespace
}  // namespace jeton::agent
