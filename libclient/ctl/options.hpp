// The parts of the command line: options whose values are more than a text, of which a wrong one is an error that names
// the option; and the commands exec and lock, which have files of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libclient/ctl/command_line.hpp"
#include "libclient/ctl/duration.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace jeton::ctl {

CLI::Option* add_duration(CLI::App* command, const std::string& name, Milliseconds& target, const std::string& help);
CLI::Option* add_duration(CLI::App* command, const std::string& name, std::optional<Milliseconds>& target,
                          const std::string& help);
CLI::Option* add_generation(CLI::App* command, const std::string& name, std::uint64_t& target, const std::string& help);
// From 0 to 255.
CLI::Option* add_exit_status(CLI::App* command, const std::string& name, int& target, const std::string& help);

// Above those of stdin, stdout and stderr.
inline constexpr int last_descriptor = 1023;
CLI::Option* add_descriptor(CLI::App* command, const std::string& name, std::optional<int>& target,
                            const std::string& help);
CLI::Option* add_signal(CLI::App* command, const std::string& name, int& target, const std::string& help);
CLI::Option* add_signal(CLI::App* command, const std::string& name, std::optional<int>& target,
                        const std::string& help);

// The targets of the options of exec.
struct ExecDraft {
  ExecOptions options;
  std::string names;             // a,b
  std::vector<std::string> env;  // VAR=NAME
};

// If exec was given, its options are in `chosen`; `command` is what follows --. All of them outlive the app.
void add_exec_command(CLI::App& app, ExecDraft& draft, const std::vector<std::string>& command,
                      std::optional<Command>& chosen);

// The same of lock.
struct LockDraft {
  LockRunOptions run;
  LockAcquireOptions acquire;
  LockExtendOptions extend;
  LockReleaseOptions release;
  LockShowOptions show;
};

// The lock command that was given leaves its part of `draft` in `chosen`; `command` is what follows --. All of them
// outlive the app.
void add_lock_commands(CLI::App& app, LockDraft& draft, const std::vector<std::string>& command,
                       std::optional<Command>& chosen);
// Whether the command is `lock run`, whose own failures have a status of their own. `app` has parsed the command line.
[[nodiscard]] bool is_lock_run(const CLI::App& app);

}  // namespace jeton::ctl
