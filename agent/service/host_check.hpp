// Examines what the host gives to the agent's process: locked memory, descriptors, inotify, and the room and rights of
// its directories. Reads only; blocking, but for a dead mount no longer than bounded_wait.hpp says. The loop's thread.
#pragma once

#include <filesystem>

#include "agent/base/finding.hpp"
#include "agent/config/model/config.hpp"

namespace jeton::agent {

// `segments`: the directory of the segments, which are to be locked into memory.
[[nodiscard]] Findings examine_limits(const std::filesystem::path& segments);
// `needs_state`: a token has a state that must outlive the host.
[[nodiscard]] Findings examine_directories(const AgentConfig& config, bool needs_state);

}  // namespace jeton::agent
