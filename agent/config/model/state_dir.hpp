// Where the agent keeps data that must outlive a reboot.
#pragma once

#include <filesystem>

#include "agent/config/model/config.hpp"

namespace jeton::agent {

// agent.state_dir, or else $STATE_DIRECTORY, as systemd sets it, or /var/lib/jeton.
[[nodiscard]] std::filesystem::path state_dir_of(const AgentConfig& config);

}  // namespace jeton::agent
