// tokens.NAME.source: where a token comes from, by type.
#pragma once

#include <variant>

#include "agent/base/time.hpp"
#include "agent/config/model/sources/exec_config.hpp"
#include "agent/config/model/sources/file_config.hpp"
#include "agent/config/model/sources/http_config.hpp"
#include "agent/config/model/sources/jwt_config.hpp"
#include "agent/config/model/sources/oauth2_config.hpp"

namespace jeton::agent {

using SourceConfig =
    std::variant<HttpSourceConfig, ExecSourceConfig, FileSourceConfig, JwtSourceConfig, OAuth2SourceConfig>;

// Whether a fetch leaves something secret for the next one: FetchedToken::state.
[[nodiscard]] inline bool keeps_state(const SourceConfig& config) {
  if (const auto* http = std::get_if<HttpSourceConfig>(&config)) return !http->refresh_token.empty();
  const auto* oauth2 = std::get_if<OAuth2SourceConfig>(&config);
  return oauth2 != nullptr && oauth2->grant == OAuth2SourceConfig::Grant::refresh_token;
}

// The longest time of a fetch, or of a revocation, by the deadlines of its source. Work of the agent itself is not
// counted.
[[nodiscard]] Milliseconds longest_fetch(const SourceConfig& config);

}  // namespace jeton::agent
