// A provider's JSON answer, read with care. Any thread. Include in .cpp files only.
#pragma once

#include <span>
#include <string_view>

#include "agent/config/sources/response_config.hpp"
#include "agent/token/record.hpp"
#include "agent/token/wiping_json.hpp"

namespace jeton::agent {

inline constexpr int max_json_depth = 64;

// Throws SourceError(transient) that quotes nothing of the body: it is empty, no JSON, no object or nested too deeply.
[[nodiscard]] WipingJson parse_json_object(std::string_view body);

// The token in such an answer, as parse_token_response() of its text; response_parser.cpp.
[[nodiscard]] FetchedToken read_token(const WipingJson& answer, const ResponseConfig& config, WallTime now,
                                      std::span<const SecretString> secrets);

}  // namespace jeton::agent
