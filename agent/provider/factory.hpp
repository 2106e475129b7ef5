// Makes the source that a token's configuration asks for.
#pragma once

#include <filesystem>
#include <memory>
#include <variant>
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
  const TokenValues& tokens;  // for ${token:NAME}
  Random& random;             // for jti
  // Commands must not write below them; where the kernel cannot enforce it, the log says so once.
  std::vector<std::filesystem::path> agent_directories{};
};

// One for each type of source; `config` is that of the token. Throws Error if the host lacks what the source needs.
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<ExecSourceConfig>& config,
                                                  const SourceParts& parts);
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<FileSourceConfig>& config,
                                                  const SourceParts& parts);
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<HttpSourceConfig>& config,
                                                  const SourceParts& parts);
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<JwtSourceConfig>& config,
                                                  const SourceParts& parts);
[[nodiscard]] std::unique_ptr<Source> make_source(const TokenConfig& token, const Immutable<OAuth2SourceConfig>& config,
                                                  const SourceParts& parts);

[[nodiscard]] inline std::unique_ptr<Source> make_source(const TokenConfig& token, const SourceParts& parts) {
  return std::visit([&](const auto& config) { return make_source(token, config, parts); }, token.source);
}

}  // namespace jeton::agent
