// The changes that a new configuration needs. Pure: it decides and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "agent/config/model/config.hpp"

namespace jeton::agent {

struct ReloadPlan {
  std::vector<std::string> needs_restart;  // keys that cannot change while the agent runs; if any, nothing is applied
  std::vector<std::string> added;          // token names
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  bool log_changed = false;
  bool outputs_changed = false;  // of any token; a token of which nothing else changes goes on
};

[[nodiscard]] ReloadPlan plan_reload(const Config& running, const Config& wanted);

}  // namespace jeton::agent
