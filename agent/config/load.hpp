// Makes a Config from files, and reports all problems of all files in one run, each with its place.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/model/config.hpp"
#include "agent/config/yaml/config_text.hpp"
#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

struct LoadResult {
  std::optional<Config> config;   // set if no problem is an error
  std::vector<Problem> problems;  // in order of file and line; the first thousand
  std::size_t errors = 0;         // of all
  std::size_t warnings = 0;
};

// The texts of one configuration, and the problems of reading them.
struct ConfigFiles {
  std::vector<std::string> names;
  std::vector<ConfigText> texts;
  Problems problems{};
};

// Never throws because of a file's content, or because of a missing file.
[[nodiscard]] ConfigFiles read_config_files(const std::vector<std::filesystem::path>& files);
// agent.yaml below `folder`, whether it is there or not, then agent.d/*.yaml in order of name. Only a missing agent.d
// passes silently: one that cannot be read is an error, and a file that looks like a part of the configuration but has
// another ending causes a warning.
[[nodiscard]] ConfigFiles read_default_files(const std::filesystem::path& folder = "/etc/jeton");

// Loads the files as one configuration; later files add tokens, and a key set twice is an error that names both places.
// Never throws because of the content of a file. `of_token`: secrets and files of other tokens and of the coordination
// are not checked, because only this token will be fetched.
[[nodiscard]] LoadResult load_config_files(ConfigFiles files, const std::string& of_token = {});

}  // namespace jeton::agent
