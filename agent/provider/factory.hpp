// Makes the source that a token's configuration asks for.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/model/config.hpp"
#include "agent/http/http.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// The parts that sources share; all outlive them.
struct SourceParts {
  HttpTransport& http;
  Timers& timers;
  const TokenValues& tokens;                               // for ${token:NAME}
  Random& random;                                          // for jti
  std::vector<std::filesystem::path> agent_directories{};  // of the agent only: commands must not write there
};

// Throws Error if the host lacks what the source needs.
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const SourceParts& parts);

}  // namespace jeton::agent
