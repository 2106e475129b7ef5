// From files to a Config: all problems of all files in one run, each with its place.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"

namespace jeton::agent {

struct Problem {
  enum class Severity { warning, error };
  Severity severity = Severity::error;
  std::string file;
  int line = 0;    // 1-based; 0: the file as a whole
  int column = 0;  // 1-based
  std::string message;
  // "agent.yaml:12:5: error: unknown key 'graze'; did you mean 'grace'?"
  [[nodiscard]] std::string text() const;
};

struct LoadResult {
  std::optional<Config> config;   // set if no problem is an error
  std::vector<Problem> problems;  // in order of file and line
};

// Reads the files as one configuration; later files add tokens, and a key set twice is an error that names both places.
// Never throws for what a file contains.
[[nodiscard]] LoadResult load_config(const std::vector<std::filesystem::path>& files);

// /etc/jeton/agent.yaml, then /etc/jeton/agent.d/*.yaml in order of name.
[[nodiscard]] std::vector<std::filesystem::path> default_config_files();

}  // namespace jeton::agent
