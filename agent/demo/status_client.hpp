// Asks the agent over its unix socket how a token is doing: what the segment does not say.
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
