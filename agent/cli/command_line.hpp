// The command line of jeton-agent as a value. Nothing of a command runs while it is read.
#pragma once

#include <iosfwd>
#include <optional>
#include <variant>

#include "agent/cli/commands.hpp"
#include "agent/demo/demo.hpp"

namespace jeton::agent {

using Command = std::variant<RunOptions, CheckOptions, ReloadOptions, FetchOptions, AnswersOptions, KeygenOptions,
                             demo::DemoOptions, DemoReaderOptions>;

struct CommandLine {
  std::optional<Command> command;  // nothing: the help, the version or an error was printed
  int status = 0;                  // then the exit status: 1 for an error
};

// The arguments of main(). An error is one short line on `err`, whatever was given, and one that leads to the help.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace jeton::agent
