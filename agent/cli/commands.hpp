// The commands of jeton-agent that main() adds. Each has a file of its name; `run` and the options of the others are in
// main.cpp, `check` is in check.hpp.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace jeton::agent {

// --config FILE of several commands; main.cpp. `files` outlives the parse.
CLI::Option* add_config_option(CLI::App& command, std::vector<std::string>& files);

// `jeton-agent fetch NAME --dry-run|--once [--config FILE]...`: tries the source of a token, publishes nothing.
// Exit statuses of the command, left in `status`: 0 done, 1 usage or configuration, 3 no token was obtained.
void add_fetch_command(CLI::App& app, int& status);

// jeton-agent answers: prints the provider's answers that the agent could not read, so that an operator finds the
// refresh token in them.
// `status` gets the exit status when the command has run: 0, 1 for an error, 3 if nothing is kept.
void add_answers_command(CLI::App& app, int& status);

// `jeton-agent demo [--for D] [--lifetime D] [--no-color]`, and the hidden `jeton-agent demo-reader` that it starts.
// The one that is given leaves its exit status in `status`.
void add_demo_commands(CLI::App& app, int& status);

// `jeton-agent reload [--dir DIR]`, which ExecReload= of the unit runs: asks the running agent to read its
// configuration again, and waits for the verdict. The exit status: 0 applied, 1 refused (the reason and the problems of
// the files on `err`), 2 no agent answers.
int run_reload(const std::filesystem::path& runtime_dir, std::ostream& out, std::ostream& err);
// Where the agent of this host, or of the unit that runs the command, has its socket.
[[nodiscard]] std::filesystem::path usual_runtime_dir();

// jeton-agent keygen: a new key for coordination.seal. Writes the key to a new file of mode 0600, or to standard output
// if the path is empty. An existing file is an error: it may be the only copy of a key. Returns the exit status.
int run_keygen(const std::filesystem::path& file);

}  // namespace jeton::agent
