// The JSON bodies of requests to the local API. Bounded by ApiLimits::body_bytes before they get here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/log.hpp"

namespace jeton::agent {

// Returns G of {"generation": G}; nothing if the text is anything else. Further members are ignored.
[[nodiscard]] std::optional<std::uint64_t> generation_in(const std::string& body);
// Returns the level of {"level": "debug"}.
[[nodiscard]] std::optional<log::Level> log_level_in(const std::string& body);

}  // namespace jeton::agent
