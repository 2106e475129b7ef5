// tokens.NAME.source: where a token comes from, by type.
#pragma once

#include <variant>

#include "agent/base/time.hpp"
#include "agent/config/sources/exec_config.hpp"
#include "agent/config/sources/file_config.hpp"
#include "agent/config/sources/http_config.hpp"
#include "agent/config/sources/jwt_config.hpp"
#include "agent/config/sources/oauth2_config.hpp"

namespace jeton::agent {

using SourceConfig =
    std::variant<HttpSourceConfig, ExecSourceConfig, FileSourceConfig, JwtSourceConfig, OAuth2SourceConfig>;

// Whether a fetch leaves something secret for the next one: FetchedToken::state.
[[nodiscard]] inline bool keeps_state(const SourceConfig& config) {
  const auto* oauth2 = std::get_if<OAuth2SourceConfig>(&config);
  return oauth2 != nullptr && oauth2->grant == OAuth2SourceConfig::Grant::refresh_token;
}

// How long a fetch that leaves a state may take, and a stop waits for it; 0 for every other source: its fetch can be
// broken off.
[[nodiscard]] inline Milliseconds longest_fetch(const SourceConfig& config) {
  if (!keeps_state(config)) return Milliseconds{0};
  const auto* oauth2 = std::get_if<OAuth2SourceConfig>(&config);
  // The issuer's metadata, and a request each for two refresh tokens.
  return oauth2 == nullptr ? Milliseconds{0} : 3 * oauth2->egress.timeout;
}

}  // namespace jeton::agent
