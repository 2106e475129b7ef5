#include "agent/base/json.hpp"

#include <gtest/gtest.h>

namespace jeton::agent {
namespace {

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(JsonText, NestsTooDeeply_IsNoJson) {
  EXPECT_FALSE(try_parse_json(nested(json_depth_limit)).is_discarded());
  EXPECT_TRUE(try_parse_json(nested(json_depth_limit + 1)).is_discarded());
  EXPECT_TRUE(try_parse_ordered_json(nested(100'000)).is_discarded());
  EXPECT_TRUE(try_parse_json(std::string(100'000, '[')).is_discarded());
}

TEST(JsonText, BracketsInAString_AreNoLevels) {
  const std::string brackets(1000, '[');
  EXPECT_FALSE(try_parse_json("\"" + brackets + "\"").is_discarded());
  EXPECT_FALSE(try_parse_json(R"({"a\"b":")" + brackets + "\"}").is_discarded());
  EXPECT_TRUE(try_parse_json("[\"\\\\\"," + brackets).is_discarded()) << "the string ends before its last quote";
}

}  // namespace
}  // namespace jeton::agent
