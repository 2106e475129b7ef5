#include "agent/service/reload_plan.hpp"

namespace jeton::agent {
namespace {

// Outputs are apart from the life of the token (agent/outputs/outputs.hpp).
bool is_same_token(TokenConfig a, const TokenConfig& b) {
  a.outputs = b.outputs;
  return a == b;
}

}  // namespace

ReloadPlan plan_reload(const Config& running, const Config& wanted) {
  ReloadPlan plan;
  const auto fixed = [&](const char* key, bool same) {
    if (!same) plan.needs_restart.emplace_back(key);
  };
  fixed("agent.runtime_dir", running.agent.runtime_dir == wanted.agent.runtime_dir);
  fixed("agent.state_dir", running.agent.state_dir == wanted.agent.state_dir);
  fixed("agent.memory_lock", running.agent.memory_lock == wanted.agent.memory_lock);
  fixed("agent.disk_backed", running.agent.disk_backed == wanted.agent.disk_backed);
  fixed("agent.core_dumps", running.agent.core_dumps == wanted.agent.core_dumps);
  fixed("agent.listen", running.agent.listen == wanted.agent.listen);
  fixed("coordination", running.coordination == wanted.coordination);
  plan.log_changed = running.agent.log != wanted.agent.log;

  for (const auto& [name, token] : wanted.tokens) {
    const auto before = running.tokens.find(name);
    if (before == running.tokens.end()) {
      plan.added.push_back(name);
    } else if (!is_same_token(before->second, token)) {
      plan.changed.push_back(name);
    }
    const bool has_outputs_of_before =
        before != running.tokens.end() ? before->second.outputs == token.outputs : token.outputs.empty();
    plan.outputs_changed = plan.outputs_changed || !has_outputs_of_before;
  }
  for (const auto& [name, token] : running.tokens) {
    if (wanted.tokens.contains(name)) continue;
    plan.removed.push_back(name);
    plan.outputs_changed = plan.outputs_changed || !token.outputs.empty();
  }
  return plan;
}

}  // namespace jeton::agent
