// A provider's JSON answer, read with care. Any thread. Include in .cpp files only.
#pragma once

#include <string_view>

#include "agent/token/wiping_json.hpp"

namespace jeton::agent {

inline constexpr int max_json_depth = 64;

// Throws SourceError(transient) that quotes nothing of the body: it is empty, no JSON, no object or nested too deeply.
[[nodiscard]] WipingJson parse_json_object(std::string_view body);

}  // namespace jeton::agent
