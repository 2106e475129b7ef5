#include "agent/config/model/state_dir.hpp"

#include "agent/base/environment.hpp"

namespace jeton::agent {

std::filesystem::path state_dir_of(const AgentConfig& config) {
  if (!config.state_dir.empty()) return config.state_dir;
  const char* const of_unit = environment_variable("STATE_DIRECTORY");
  return of_unit != nullptr && *of_unit != '\0' ? of_unit : "/var/lib/jeton";
}

}  // namespace jeton::agent
