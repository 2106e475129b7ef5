// tokens.NAME.source: where a token comes from, by type.
#pragma once

#include <variant>

#include "agent/config/sources/http_config.hpp"

namespace jeton::agent {

using SourceConfig = std::variant<HttpSourceConfig>;

}  // namespace jeton::agent
