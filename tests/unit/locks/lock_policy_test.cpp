// The rule that applies to a name.
#include "agent/locks/lock_policy.hpp"

#include <gtest/gtest.h>

#include "agent/config/model/lock_names.hpp"

namespace jeton::agent {
namespace {

LockRules rules(std::initializer_list<const char*> patterns) {
  LockRules made;
  for (const char* pattern : patterns) made[pattern].pattern = pattern;
  return made;
}

std::string chosen(const LockRules& all, const std::string& name) {
  const LockRuleConfig* rule = rule_for(all, name);
  return rule == nullptr ? "none" : rule->pattern;
}

TEST(LockPolicy, SeveralPatternsMatch_MostSpecificIsChosen) {
  const LockRules all = rules({"*", "nightly-*", "nightly-backup", "nightly-backup*", "*-backup"});
  EXPECT_EQ(chosen(all, "x"), "*");
  EXPECT_EQ(chosen(all, "nightly-x"), "nightly-*");
  EXPECT_EQ(chosen(all, "nightly-backup"), "nightly-backup") << "a name stands above patterns";
  EXPECT_EQ(chosen(all, "nightly-backup2"), "nightly-backup*");
  EXPECT_EQ(chosen(all, "x-backup"), "*-backup");
  EXPECT_EQ(chosen(rules({"a*"}), "b"), "none");
  EXPECT_EQ(chosen({}, "b"), "none");
}

TEST(LockPolicy, PatternHasStars_MatchAnywhere) {
  EXPECT_TRUE(matches_lock_pattern("abc", "a*c"));
  EXPECT_TRUE(matches_lock_pattern("ac", "a*c"));
  EXPECT_TRUE(matches_lock_pattern("abcbc", "a*bc"));
  EXPECT_TRUE(matches_lock_pattern("aXbYc", "*a*b*c*"));
  EXPECT_FALSE(matches_lock_pattern("abcd", "a*c"));
  EXPECT_FALSE(matches_lock_pattern("ab", "abc"));
  EXPECT_FALSE(matches_lock_pattern(std::string(128, 'a'), "*a*a*a*a*a*a*a*a*a*a*a*b")) << "and ends";
}

TEST(LockPolicy, NameHasForbiddenCharactersOrIsTooLong_IsNoLockName) {
  for (const char* good : {"a", "Nightly.Backup_2:db-1", "0"}) EXPECT_TRUE(is_lock_name(good)) << good;
  for (const char* bad : {"", ".", "-a", "a/b", "a b", "a*", "a{b}", "ä", "a\n"})
    EXPECT_FALSE(is_lock_name(bad)) << bad;
  EXPECT_FALSE(is_lock_name(std::string(129, 'a')));
  EXPECT_TRUE(is_lock_pattern("*"));
}

TEST(LockPolicy, KeyHasStars_AreReplacedByTheName) {
  LockRuleConfig rule;
  rule.terms.key = "cron:*:*";
  EXPECT_EQ(lock_id(rule, "a").terms.key, "cron:a:a");
}

}  // namespace
}  // namespace jeton::agent
