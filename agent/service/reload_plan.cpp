#include "agent/service/reload_plan.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

constexpr const char* config_subject = "configuration";
constexpr const char* check_command = "sudo jeton-agent check";
constexpr std::size_t most_problems = 5;

// Outputs are apart from the life of the token (agent/outputs/outputs.hpp).
bool is_same_token(TokenConfig a, const TokenConfig& b) {
  a.outputs = b.outputs;
  return a == b;
}

void add_problems(const LoadResult& files, Findings& found) {
  const std::size_t shown = std::min(files.problems.size(), most_problems);
  for (std::size_t i = 0; i < shown; ++i) {
    const Problem& problem = files.problems[i];
    const bool error = problem.severity == Problem::Severity::error;
    found.push_back(
        {error ? Finding::Level::problem : Finding::Level::warning, config_subject, problem.text(), check_command});
  }
  const std::size_t all = files.errors + files.warnings;
  if (all > shown) {
    found.push_back({files.errors > 0 ? Finding::Level::problem : Finding::Level::warning, config_subject,
                     std::to_string(all - shown) + " more problems", check_command});
  }
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
  plan.locks_changed = running.locks != wanted.locks;

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

std::string reload_refusal(const ReloadPlan& plan, const Config& running, const Config& wanted) {
  if (!plan.needs_restart.empty()) return "a restart is needed to change " + joined(plan.needs_restart);
  if (wanted.tokens.empty() && !running.tokens.empty()) {
    return "the new configuration has no tokens, so readers would lose every token; if this is intended, "
           "restart the agent";
  }
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Findings judge_config(const LoadResult& files, const Config& running) {
  Findings found;
  add_problems(files, found);
  if (!files.config) return found;
  const ReloadPlan plan = plan_reload(running, *files.config);
  if (!plan.needs_restart.empty()) {
    found.push_back({Finding::Level::warning, config_subject,
                     "the files have changed, and " + plan.needs_restart.front() + " needs a restart",
                     "sudo systemctl restart jeton-agent"});
  } else if (running != *files.config) {
    found.push_back({Finding::Level::warning, config_subject, "the files have changed since they were applied",
                     "sudo systemctl reload jeton-agent"});
  } else {
    found.push_back({Finding::Level::ok, config_subject, "the files are in force, as the service reads them"});
  }
  return found;
}

}  // namespace jeton::agent
