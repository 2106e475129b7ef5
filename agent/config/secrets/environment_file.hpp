// The text of an EnvironmentFile= of systemd (systemd.exec(5)), as the service manager reads it: comments, quotes,
// escapes and continued lines included. Lines that it would ignore are left out. Any thread, unless a function says
// otherwise.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"

namespace jeton::agent {

// Letters, digits and underscores, and no digit in front.
[[nodiscard]] bool is_environment_name(std::string_view name);

// The files that EnvironmentFile= names, by a path or a pattern of glob(7), in the order in which they are read. Empty:
// there is none. Blocks; for a process with one thread.
[[nodiscard]] std::vector<std::string> environment_files(const std::string& pattern);

// Returns the variables in the order of the file. If a name occurs twice, the last one counts.
[[nodiscard]] std::vector<std::pair<std::string, SecretString>> parse_environment_file(std::string_view text);

}  // namespace jeton::agent
