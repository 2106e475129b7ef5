// The bytes of a configuration file, before they are parsed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// One file as it was read; `name` is how problems call it.
struct ConfigText {
  std::string name;
  std::string text;
};

// Reads at most max_config_bytes of a regular file. Nothing, and a problem that names the path and the reason, if that
// cannot be done, or if the file system does not answer (bounded_wait.hpp).
[[nodiscard]] std::optional<ConfigText> read_config_text(const std::filesystem::path& file, Problems& problems);

// Is this UTF-8 text without control characters? A problem at the first byte that is not. Drops a byte order mark.
[[nodiscard]] bool check_config_text(ConfigText& text, Problems& problems);

}  // namespace jeton::agent
