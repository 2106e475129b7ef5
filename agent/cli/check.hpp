// `jeton-agent check [--config FILE]... [--user USER]`: every problem of the configuration on `err`, one a line with
// its place, then one line that sums up; on `out` if the configuration is valid.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "agent/config/load.hpp"

namespace jeton::agent {

// Reports `result`. `files`: the named files; none: the default files. `as`: the user who checked, for people.
// Returns the exit status: 0 valid (warnings allowed), 1 not.
int report_check(const LoadResult& result, const std::vector<std::filesystem::path>& files, const std::string& as,
                 std::ostream& out, std::ostream& err);

}  // namespace jeton::agent
