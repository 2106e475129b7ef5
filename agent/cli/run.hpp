// `jeton-agent run [--config FILE]...`: the daemon.
#pragma once

#include <filesystem>
#include <vector>

namespace jeton::agent {

// Returns the exit status: 0 after SIGTERM or SIGINT, 1 if the configuration is wrong or the agent cannot start.
int run_agent(const std::vector<std::filesystem::path>& files);

}  // namespace jeton::agent
