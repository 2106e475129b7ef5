#include "agent/locks/lock_policy.hpp"

#include "agent/config/model/lock_names.hpp"

namespace jeton::agent {

const LockRuleConfig* rule_for(const LockRules& rules, const std::string& name) {
  const LockRuleConfig* best = nullptr;
  std::size_t most = 0;
  for (const auto& [pattern, rule] : rules) {
    if (!matches_lock_pattern(name, pattern)) continue;
    // The name itself wins over every pattern, also one like "job*" that has as many characters.
    if (pattern == name) return &rule;
    const std::size_t weight = lock_pattern_weight(pattern);
    if (best != nullptr && weight <= most) continue;
    best = &rule;
    most = weight;
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
