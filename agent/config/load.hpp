// Makes a Config from files, and reports all problems of all files in one run, each with its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/yaml/config_files.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

struct LoadResult {
  std::optional<Config> config;   // set if no problem is an error
  std::vector<Problem> problems;  // in order of file and line; the first thousand
  std::size_t errors = 0;         // of all
  std::size_t warnings = 0;
};

// Loads the files as one configuration; later files add tokens, and a key set twice is an error that names both places.
// Never throws because of the content of a file. `of_token`: secrets and files of other tokens and of the coordination
// are not checked, because only this token will be fetched.
[[nodiscard]] LoadResult load_config_files(ConfigFiles files, const std::string& of_token = {});

}  // namespace jeton::agent
