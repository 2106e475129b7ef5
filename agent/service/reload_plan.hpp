// ReloadPlan: the changes of a new configuration, and the words about them for an operator. Pure: it changes nothing.
#pragma once

#include <string>
#include <vector>

#include "agent/base/finding.hpp"
#include "agent/config/load.hpp"

namespace jeton::agent {

struct ReloadPlan {
  std::vector<std::string> needs_restart;  // keys that cannot change while the agent runs; if any, nothing is applied
  std::vector<std::string> added;          // token names
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  bool log_changed = false;
  bool locks_changed = false;
  bool outputs_changed = false;  // of any token; a token of which nothing else changes goes on
};

[[nodiscard]] ReloadPlan plan_reload(const Config& running, const Config& wanted);
// Why the wanted configuration cannot be applied while the agent runs. Empty: it can.
[[nodiscard]] std::string reload_refusal(const ReloadPlan& plan, const Config& running, const Config& wanted);
// "a, b".
[[nodiscard]] std::string joined(const std::vector<std::string>& names);
// Compares the files of the configuration now, as the service sees them, with the configuration in force.
[[nodiscard]] Findings judge_config(const LoadResult& files, const Config& running);

}  // namespace jeton::agent
