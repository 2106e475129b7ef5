// Which rule of the configuration a lock falls under, and so who may take it and under which key.
#pragma once

#include <map>
#include <string>

#include "agent/config/model/config.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

using LockRules = std::map<std::string, LockRuleConfig>;  // by pattern

// The name itself, or of the patterns that match the one with the most characters besides '*'; a configuration has no
// two that are equal there. Null: no user may take it.
[[nodiscard]] const LockRuleConfig* rule_for(const LockRules& rules, const std::string& name);

// The lock that `rule` makes of the name.
[[nodiscard]] LockId lock_id(const LockRuleConfig& rule, const std::string& name);

}  // namespace jeton::agent
