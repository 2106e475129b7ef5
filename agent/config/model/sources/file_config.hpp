// tokens.NAME.source of type file: another program writes the token.
#pragma once

#include <filesystem>
#include <optional>

#include "agent/base/time.hpp"
#include "agent/config/model/sources/response_config.hpp"

namespace jeton::agent {

struct FileSourceConfig {
  enum class Format {
    text,  // the token and nothing else
    json   // as `response` says
  };
  std::filesystem::path path;
  Format format = Format::text;
  // Counted from each reading, if the content names no expiry; response.default_lifetime for json.
  std::optional<Milliseconds> lifetime;
  ResponseConfig response;
  bool operator==(const FileSourceConfig&) const = default;
};

}  // namespace jeton::agent
