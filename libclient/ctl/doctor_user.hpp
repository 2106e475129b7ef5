// What this user of the host sees of jeton, for `jetonctl doctor`: the directory, the segments and the right to read
// them, the library, and what the kernel gives to a reader.
#pragma once

#include <filesystem>

#include "libclient/ctl/finding.hpp"

namespace jeton::ctl {

// The modes of the runtime directory.
[[nodiscard]] Findings examine_directory(const std::filesystem::path& dir);
// Who the user is, and which tokens this user may read.
[[nodiscard]] Findings examine_segments(const std::filesystem::path& dir);
// libjeton as programs of this host load it, inotify, the clock.
[[nodiscard]] Findings examine_system(const std::string& version);

}  // namespace jeton::ctl
