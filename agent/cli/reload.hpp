// `jeton-agent reload [--dir DIR]`, which ExecReload= of the unit runs: asks the running agent to read its
// configuration again, and waits for the verdict.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace jeton::agent {

// Where the agent of this host, or of the unit that runs the command, has its socket.
[[nodiscard]] std::filesystem::path usual_runtime_dir();

// The exit status: 0 applied, 1 refused (the reason and the problems of the files on `err`), 2 no agent answers.
int run_reload(const std::filesystem::path& runtime_dir, std::ostream& out, std::ostream& err);

}  // namespace jeton::agent
