// `jeton-agent check [--config FILE]...`: every problem of the configuration on `err`, one a line with its place, then
// one line that sums up; on `out` if the configuration is valid.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <vector>

namespace jeton::agent {

// The exit status: 0 valid (warnings allowed), 1 not. Without files: the default ones.
int run_check(const std::vector<std::filesystem::path>& files, std::ostream& out, std::ostream& err);
// On stdout and stderr.
int run_check(const std::vector<std::filesystem::path>& files);

}  // namespace jeton::agent
