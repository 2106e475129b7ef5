// Asks the agent over its unix socket for the status of a token, which has more than the segment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace jeton::agent::demo {

struct AgentAnswer {
  std::string phase;
  std::uint64_t fetches = 0;
};

// GET /v1/tokens/NAME. Blocks for a fraction of a second at most; nothing if the agent does not answer well by then.
[[nodiscard]] std::optional<AgentAnswer> ask_agent(const std::filesystem::path& socket, const std::string& token);

}  // namespace jeton::agent::demo
