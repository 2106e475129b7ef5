// The command line of jetonctl as a value. Nothing of a command runs while it is read.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <variant>

#include "libclient/ctl/commands.hpp"

namespace jeton::ctl {

using Command = std::variant<GetOptions, StatusOptions, DoctorOptions, HistoryOptions, NamesOptions, LogLevelOptions,
                             WatchOptions, WaitOptions, RejectedOptions, RefreshOptions, ExecOptions, LockRunOptions,
                             LockAcquireOptions, LockExtendOptions, LockReleaseOptions, LockShowOptions>;

struct CommandLine {
  std::string dir;  // empty: the usual runtime_dir
  Format format = Format::table;
  std::optional<Command> command;  // nothing: the help, the version or an error was printed
  Exit exit = Exit::done;          // then the exit status: an error is run_failed of `lock run` and `exec`, else error
};

// The arguments of main(). An error is one short line on `err`, whatever was given, and one that leads to the help.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace jeton::ctl
