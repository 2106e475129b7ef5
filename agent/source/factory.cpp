#include "agent/source/factory.hpp"

#include <variant>

#include "agent/source/http_source.hpp"
#include "agent/source/oauth2/oauth2_source.hpp"

namespace jeton::agent {
namespace {

struct Make {
  const TokenConfig& token;
  const SourceParts& parts;

  std::unique_ptr<Source> operator()(const HttpSourceConfig& config) const {
    return std::make_unique<HttpSource>(token.name, config, token.capacity, parts.http, parts.timers.clock(),
                                        parts.tokens);
  }
  std::unique_ptr<Source> operator()(const OAuth2SourceConfig& config) const {
    return std::make_unique<OAuth2Source>(token.name, config, token.capacity, parts.http, parts.timers.clock(),
                                          parts.tokens, parts.random);
  }
};

}  // namespace

std::unique_ptr<Source> make_source(const TokenConfig& token, const SourceParts& parts) {
  return std::visit(Make{token, parts}, token.source);
}

}  // namespace jeton::agent
