// The commands of jeton-agent, and its command line as a value. Nothing of a command runs while the line is read. Here
// are the options of each command and its function, which returns the exit status; `run` and `check` are in main.cpp,
// `demo` is in agent/demo.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/demo/demo.hpp"

namespace jeton::agent {

using FileNames = std::vector<std::string>;  // of the configuration; none: the default files

// The daemon.
struct RunOptions {
  FileNames files;
};

// Every problem of the configuration.
struct CheckOptions {
  FileNames files;
  std::string user;  // the user who checks; empty: the user of the service
};

// Tries the source of a token, publishes nothing. 0 done, 1 the configuration is wrong, 3 no token was obtained.
struct FetchOptions {
  std::string name;
  bool once = false;  // sends the request; false: only shows it
  FileNames files;
  std::string user;
};
[[nodiscard]] int run_fetch(const FetchOptions& options);

// Prints the provider's answers that the agent could not read, so that an operator finds the refresh token in them.
// 0, 1 for an error, 3 if nothing is kept.
struct AnswersOptions {
  std::string name;
  FileNames files;
};
[[nodiscard]] int run_answers(const AnswersOptions& options);

// Asks the running agent to read its configuration again, and waits for the verdict; ExecReload= of the unit does so.
// 0 applied, 1 refused (the reason and the problems of the files on standard error), 2 no agent answers.
struct ReloadOptions {
  std::string runtime_dir;  // empty: that of the agent of this host, or of the unit that runs the command
};
[[nodiscard]] int run_reload(const ReloadOptions& options);

// Makes a new key for coordination.seal and writes it to a new file of mode 0600, or to standard output. An existing
// file is an error: it may be the only copy of a key.
struct KeygenOptions {
  std::string file;  // empty: standard output
};
[[nodiscard]] int run_keygen(const KeygenOptions& options);

// The reader that the demo starts.
struct DemoReaderOptions {
  std::string directory;
  std::uint16_t port = 0;
};

using Command = std::variant<RunOptions, CheckOptions, ReloadOptions, FetchOptions, AnswersOptions, KeygenOptions,
                             demo::DemoOptions, DemoReaderOptions>;

struct CommandLine {
  std::optional<Command> command;  // nothing: the help, the version or an error was printed
  int status = 0;                  // then the exit status: 1 for an error
};

// The arguments of main(). An error is one short line on `err`, whatever was given, and one that leads to the help.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace jeton::agent
