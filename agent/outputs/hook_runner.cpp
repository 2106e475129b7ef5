#include "agent/outputs/hook_runner.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/ascii.hpp"
#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/text/values.hpp"
#include "agent/outputs/blocking_calls.hpp"
#include "agent/outputs/trusted_directory.hpp"
#include "agent/process/exec_run.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t max_printed = 1024 * 1024;  // bytes
constexpr std::size_t max_pid_file = 64;          // bytes
constexpr std::uint64_t max_pid = 1U << 22U;      // of Linux

// Nothing if it ended as it should.
std::optional<std::string> complaint_about(const ExecResult& result, Milliseconds timeout) {
  const int value = result.report.value;
  if (result.end == ExecResult::End::timed_out) {
    return "did not end within on_change.timeout (" + format_duration(timeout) + ") and was killed";
  }
  if (result.end == ExecResult::End::too_much_output) {
    return "printed more than " + format_size(max_printed) + " and was killed";
  }
  switch (result.report.kind) {
    case ExecReport::Kind::exited:
      return value == 0 ? std::nullopt : std::optional("ended with status " + std::to_string(value));
    case ExecReport::Kind::signalled:
      return "was ended by signal " + std::to_string(value);
    case ExecReport::Kind::not_executed:
      return errno_error("cannot be executed", value, "; check its path, mode and interpreter (#!)").what();
    case ExecReport::Kind::no_directory:
    case ExecReport::Kind::not_started:
      return errno_error("cannot be started", value).what();
    case ExecReport::Kind::not_protected:
      return errno_error("could write the agent's state, and was not started", value).what();
    case ExecReport::Kind::nothing_reported:
      return "was killed together with its supervisor";
  }
  return "ended in an unknown way";
}

std::string what_to_do(const ReloadHook& reload, const ExecResult& result) {
  if (result.end == ExecResult::End::timed_out) {
    return "; the reload may still be under way: see systemctl list-jobs and systemctl status " + reload.unit +
           ", and raise on_change.timeout if it takes longer";
  }
  if (result.report.kind == ExecReport::Kind::not_executed) {
    return "; a reload needs systemd: use a command or a signal where there is none";
  }
  return "; if the right is missing, a rule of polkit gives it to the agent's user (Outputs in config/README.md)";
}

// The number of the process. Only root and the agent's user can have written it.
pid_t read_pid(const std::filesystem::path& file) {
  const std::string name = file.string();
  constexpr const char* if_missing = "; is the program running?";
  const UniqueFd directory = open_trusted_directory(file.parent_path(), std::nullopt, if_missing);
  const UniqueFd fd(::openat(directory.get(), file.filename().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    const int error = errno;
    if (error == ELOOP)
      throw Error(name + " is a symbolic link, and none is followed; write the path that it leads to");
    throw errno_error(name, error, error == ENOENT ? if_missing : "");
  }
  if (!S_ISREG(found.st_mode)) throw Error(name + " is not a regular file");
  if (!is_trusted(found.st_uid, std::nullopt) || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(name +
                " can be written by another user, who could choose the process; it must be root's or the agent's, "
                "and writable by no other user");
  }
  SecretString text;
  if (!read_to_end(fd.get(), max_pid_file, text)) throw errno_error(name);
  const auto number = parse_unsigned(without_blanks(text.reveal()));
  if (!number || *number == 0 || *number > max_pid) throw Error(name + " holds no number of a process");
  return static_cast<pid_t>(*number);
}

void send_signal(const SignalHook& hook) {
  const pid_t pid = read_pid(hook.pid_file);
  const std::string who = "process " + std::to_string(pid) + " of " + hook.pid_file.string();
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (process && ::syscall(SYS_pidfd_send_signal, process.get(), hook.number, nullptr, 0) == 0) return;
  const int error = errno;
  throw errno_error(who, error,
                    error == EPERM   ? "; only root may signal another user's process: use reload, or a command"
                    : error == ESRCH ? "; is the program running?"
                                     : "");
}

}  // namespace

HostHooks::HostHooks(Timers& timers, BlockingCalls& calls, const std::vector<std::filesystem::path>& unwritable,
                     std::string systemctl)
    : timers_(timers), calls_(calls), unwritable_(without_links(unwritable)), systemctl_(std::move(systemctl)) {}

Task<> HostHooks::run(HookConfig hook, SecretsOfHook secrets) {
  ExecCommand command;
  if (const auto* own = std::get_if<CommandHook>(&hook.action)) {
    command.argv = own->argv;
  } else if (const auto* reload = std::get_if<ReloadHook>(&hook.action)) {
    command.argv = {systemctl_, "--no-ask-password", "reload", "--", reload->unit};
  } else {
    const SignalHook wanted = std::get<SignalHook>(hook.action);
    std::function<void()> call = [wanted] { send_signal(wanted); };
    co_await calls_.run(description_of(hook), std::move(call));  // another signal to this process is another call
    co_return;
  }
  command.directory = "/";
  command.unwritable = unwritable_;
  command.timeout = hook.timeout;
  command.max_output = max_printed;
  for (const auto& [name, value] : usual_variables()) add_variable(command, name, value);
  std::vector<SecretString> known;
  if (secrets) known = secrets();  // what it reads now, and what it may read later
  ExecRun run(timers_, command);
  const ExecResult result = co_await run.finish();
  const auto complaint = complaint_about(result, hook.timeout);
  if (!complaint) co_return;
  std::string text = command.argv.front() + " " + *complaint;
  if (secrets) {
    for (SecretString& later : secrets()) known.push_back(std::move(later));
    if (!result.last_line.empty()) text += " (its last output: \"" + shown_line(result.last_line, known) + "\")";
  }
  if (const auto* reload = std::get_if<ReloadHook>(&hook.action)) text += what_to_do(*reload, result);
  throw Error(text);
}

std::string description_of(const HookConfig& hook) {
  if (const auto* command = std::get_if<CommandHook>(&hook.action)) return "run " + command->argv.front();
  if (const auto* reload = std::get_if<ReloadHook>(&hook.action)) return "reload " + reload->unit;
  const auto& signal = std::get<SignalHook>(hook.action);
  return "signal " + signal.name + " to " + signal.pid_file.string();
}

}  // namespace jeton::agent
