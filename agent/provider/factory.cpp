#include "agent/provider/factory.hpp"

#include <variant>

#include "agent/provider/exec/exec_source.hpp"
#include "agent/provider/file/file_source.hpp"
#include "agent/provider/http/http_source.hpp"
#include "agent/provider/jwt/jwt_source.hpp"
#include "agent/provider/oauth2/oauth2_source.hpp"

namespace jeton::agent {
namespace {

struct Make {
  const TokenConfig& token;
  const SourceParts& parts;

  std::unique_ptr<Source> operator()(const Immutable<ExecSourceConfig>& config) const {
    return std::make_unique<ExecSource>(token.name, config, token.capacity, parts.timers, parts.tokens,
                                        parts.agent_directories);
  }
  std::unique_ptr<Source> operator()(const Immutable<FileSourceConfig>& config) const {
    return std::make_unique<FileSource>(token.name, config, token.capacity, parts.timers, parts.tokens);
  }
  std::unique_ptr<Source> operator()(const Immutable<HttpSourceConfig>& config) const {
    return std::make_unique<HttpSource>(token.name, config, token.capacity, parts.http, parts.timers.clock(),
                                        parts.tokens, parts.random);
  }
  std::unique_ptr<Source> operator()(const Immutable<JwtSourceConfig>& config) const {
    return std::make_unique<JwtSource>(token.name, config, token.capacity, parts.timers, parts.tokens, parts.random);
  }
  std::unique_ptr<Source> operator()(const Immutable<OAuth2SourceConfig>& config) const {
    return std::make_unique<OAuth2Source>(token.name, config, token.capacity, parts.http, parts.timers.clock(),
                                          parts.tokens, parts.random);
  }
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const SourceParts& parts) {
  return std::visit(Make{token, parts}, token.source);
}

}  // namespace jeton::agent
