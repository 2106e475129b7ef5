// From files to a Config: all problems of all files in one run, each with its place.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/config/config_text.hpp"
#include "agent/config/problem.hpp"

namespace jeton::agent {

struct LoadResult {
  std::optional<Config> config;   // set if no problem is an error
  std::vector<Problem> problems;  // in order of file and line
};

// Reads the files as one configuration; later files add tokens, and a key set twice is an error that names both places.
// Never throws for what a file contains.
[[nodiscard]] LoadResult load_config(const std::vector<std::filesystem::path>& files);
// The same for text that is in memory already.
[[nodiscard]] LoadResult load_config_text(std::vector<ConfigText> texts);

// /etc/jeton/agent.yaml, whether it is there or not, then /etc/jeton/agent.d/*.yaml in order of name.
[[nodiscard]] std::vector<std::filesystem::path> default_config_files();

}  // namespace jeton::agent
