// The command line of jetonctl exec.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/command_line.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace jeton::ctl {

struct ExecDraft {
  ExecOptions options;
  std::string names;             // a,b
  std::vector<std::string> env;  // VAR=NAME
};

// If exec was given, its options are in `chosen`; `command` is what follows --. All of them outlive the app.
void add_exec_command(CLI::App& app, ExecDraft& draft, const std::vector<std::string>& command,
                      std::optional<Command>& chosen);

}  // namespace jeton::ctl
