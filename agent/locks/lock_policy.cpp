#include "agent/locks/lock_policy.hpp"

#include <algorithm>

#include "agent/config/lock_names.hpp"

namespace jeton::agent {

const LockRuleConfig* rule_for(const LockRules& rules, const std::string& name) {
  const LockRuleConfig* best = nullptr;
  std::ptrdiff_t best_size = -1;
  for (const auto& [pattern, rule] : rules) {
    if (!matches_lock_pattern(name, pattern)) continue;
    const auto size = std::count_if(pattern.begin(), pattern.end(), [](char c) { return c != '*'; });
    // A name stands above every pattern, also one like "job*" that has as many characters.
    const bool exact = pattern == name;
    if (!exact && size <= best_size) continue;
    best = &rule;
    best_size = size;
    if (exact) break;
  }
  return best;
}

LockId lock_id(const LockRuleConfig& rule, const std::string& name) {
  LockId id{name, rule.terms};
  for (std::size_t at = id.terms.key.find('*'); at != std::string::npos;
       at = id.terms.key.find('*', at + name.size())) {
    id.terms.key.replace(at, 1, name);
  }
  return id;
}

}  // namespace jeton::agent
