// ExecRun: one run of a command under its supervisor (supervisor.hpp), and its output. One thread: the loop's.
//
// If the object is destroyed before the command has ended, the command is terminated and killed with all its
// descendants; the agent does not wait for that.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/secret.hpp"
#include "agent/base/timers.hpp"
#include "agent/process/supervisor.hpp"

namespace jeton::agent {

struct ExecCommand {
  std::vector<std::string> argv;
  std::vector<SecretString> environment;  // NAME=value
  std::string directory;
  std::vector<std::string> unwritable;  // directories, without symbolic links
  Duration timeout{0};
  std::size_t max_output = 0;  // bytes
};

struct ExecResult {
  enum class End { ended, timed_out, too_much_output };
  End end = End::ended;
  ExecReport report;
  SecretString output;              // its stdout
  std::vector<SecretString> lines;  // the first of its stderr
  std::size_t lines_left_out = 0;
  SecretString last_line;  // of its stderr; often it says why the command failed
};

// Adds NAME=value to its environment.
void add_variable(ExecCommand& command, std::string_view name, std::string_view value);

// The variables that a command gets unless its configuration has others of these names: PATH, HOME, LANG.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> usual_variables();

// One of the lines for a log: without the secrets, cut to a length.
[[nodiscard]] std::string shown_line(const SecretString& line, std::span<const SecretString> secrets);

// The directories as ExecCommand::unwritable needs them. They need not exist.
[[nodiscard]] std::vector<std::string> without_links(const std::vector<std::filesystem::path>& directories);

class ExecRun {
 public:
  // Throws Error if the system has no process or descriptor left.
  ExecRun(Timers& timers, const ExecCommand& command);
  ExecRun(const ExecRun&) = delete;
  ExecRun& operator=(const ExecRun&) = delete;
  ~ExecRun();

  // Waits until the command and all processes that it started have ended. Throws system_error(operation_aborted) on
  // cancellation.
  Task<ExecResult> finish();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
