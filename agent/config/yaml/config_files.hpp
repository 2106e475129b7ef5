// The files of one configuration, before they are parsed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/config/yaml/problem.hpp"

namespace jeton::agent {

// One file as it was read; `name` is how problems call it.
struct ConfigText {
  std::string name;
  std::string text;
};

// The texts of one configuration, and the problems of reading them.
struct ConfigFiles {
  std::vector<std::string> names;
  std::vector<ConfigText> texts;
  Problems problems{};
};

// Reads at most 16 MiB of each, which has to be a regular file of a file system that answers (bounded_wait.hpp). Never
// throws because of a file's content, or because of a missing file.
[[nodiscard]] ConfigFiles read_config_files(const std::vector<std::filesystem::path>& files);
// agent.yaml below `folder`, whether it is there or not, then agent.d/*.yaml in order of name. Only a missing agent.d
// passes silently: one that cannot be read is an error, and a file that looks like a part of the configuration but has
// another ending causes a warning.
[[nodiscard]] ConfigFiles read_default_files(const std::filesystem::path& folder = "/etc/jeton");

// Is this UTF-8 text without control characters? A problem at the first byte that is not. Drops a byte order mark.
[[nodiscard]] bool check_config_text(ConfigText& text, Problems& problems);

}  // namespace jeton::agent
