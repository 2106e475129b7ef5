// It is always defined which of two patterns applies to a lock.
#include <gmock/gmock.h>

#include "agent/config/model/lock_names.hpp"
#include "tests/unit/config/broken_config.hpp"

namespace jeton::test {
namespace {

using agent::common_lock_name;
using testing::HasSubstr;

std::string yaml(const std::vector<std::string>& patterns) {
  std::string text = "version: 1\nlocks:\n";
  for (const std::string& pattern : patterns) text += "  '" + pattern + "': {users: [root], max_ttl: 1h}\n";
  return text;
}

TEST(LockPatterns, EquallyParticularAndForTheSameName_IsAnErrorWithBothPlaces) {
  expect_refused({"", yaml({"nightly-*", "x", "*-backup1"}).c_str(), 5,
                  "lock patterns '*-backup1' and 'nightly-*' (agent.yaml:3:3) both match 'nightly-backup1'"});
  expect_refused({"", yaml({"a*", "*b"}).c_str(), 4, "both match 'ab'"});
  expect_refused({"", yaml({"*", "**"}).c_str(), 4, "both match 'a'"});
}

TEST(LockPatterns, ThousandsMatchTheSameName_EachIsReportedOnce) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 2000; ++i) patterns.push_back("*a" + std::to_string(10'000 + i) + "*b*");
  const auto result = load_text(yaml(patterns));
  EXPECT_FALSE(result.config);
  EXPECT_EQ(result.errors, patterns.size() - 1);
}

TEST(LockPatterns, AreInTwoFiles_BothAreNamed) {
  const auto result = load_config_text({{"agent.yaml", yaml({"job-*"})}, {"agent.d/x.yaml", yaml({"*-job"})}});
  EXPECT_FALSE(result.config);
  EXPECT_THAT(all_texts(result.problems), HasSubstr("agent.d/x.yaml:3:3"));
  EXPECT_THAT(all_texts(result.problems), HasSubstr("(agent.yaml:3:3)"));
}

TEST(LockPatterns, OneIsMoreParticularOrNoNameIsOfBoth_AreTaken) {
  for (const std::vector<std::string>& good :
       std::vector<std::vector<std::string>>{{"nightly-*", "nightly-backup*", "*"},
                                             {"a*", "b*"},
                                             {"*a", "*b"},
                                             {"a*b", "a*c"},
                                             {"nightly-*", "nightly-x"}}) {
    EXPECT_TRUE(load_text(yaml(good)).config) << good.front();
  }
}

TEST(LockPatterns, CommonName_IsMatchedByBoth) {
  const char* patterns[] = {"*",   "a*",  "*a",    "a*b",   "*a*",  "ab*",  "*ab", "a*a*a", "b*a",     "**",
                            "*-x", "*-*", "a-*-b", "*.*.*", "x*y*", "*y*x", "abc", "a",     "*a*b*c*", "c*b*a"};
  int common = 0;
  int different = 0;
  for (const std::string a : patterns) {
    for (const std::string b : patterns) {
      const auto name = common_lock_name(a, b);
      EXPECT_EQ(name.has_value(), common_lock_name(b, a).has_value()) << a << " " << b;
      if (!name) {
        ++different;
        continue;
      }
      ++common;
      EXPECT_TRUE(agent::is_lock_name(*name)) << *name;
      EXPECT_TRUE(agent::matches_lock_pattern(*name, a)) << *name << " " << a;
      EXPECT_TRUE(agent::matches_lock_pattern(*name, b)) << *name << " " << b;
    }
  }
  EXPECT_GT(common, 50);
  EXPECT_GT(different, 50);
}

// Against every name of up to four characters.
TEST(LockPatterns, NoCommonName_ThereIsNone) {
  const char* patterns[] = {"a*", "*a", "b*", "*b", "a*b", "b*a", "*ab*", "*ba*", "a*a", "ab*", "*bb", "a", "ab", "*"};
  std::vector<std::string> names{""};
  for (std::size_t i = 0; i < names.size() && names[i].size() < 4; ++i) {
    for (const char c : {'a', 'b'}) names.push_back(names[i] + c);
  }
  names.erase(names.begin());
  for (const std::string a : patterns) {
    for (const std::string b : patterns) {
      const bool expected = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return agent::matches_lock_pattern(name, a) && agent::matches_lock_pattern(name, b);
      });
      EXPECT_EQ(common_lock_name(a, b).has_value(), expected) << a << " " << b;
    }
  }
}

TEST(LockPatterns, LongPatterns_AreComparedInTime) {
  std::string a(127, '*');
  std::string b(127, '*');
  for (std::size_t i = 1; i < a.size(); i += 2) {
    a[i] = 'a';
    b[i] = 'b';
  }
  EXPECT_TRUE(common_lock_name(a, b));
  a.front() = 'x';
  b.front() = 'y';
  EXPECT_FALSE(common_lock_name(a, b));
}

}  // namespace
}  // namespace jeton::test
