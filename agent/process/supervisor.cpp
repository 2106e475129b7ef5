#include "agent/process/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/process/write_protection.hpp"

namespace jeton::agent {
namespace {

constexpr int first_look_ms = 5;  // between two checks of the remaining processes; doubled each time
constexpr int last_look_ms = 500;

void send(int report, ExecReport::Kind kind, int value) {
  const ExecReport message{kind, value};
  while (::write(report, &message, sizeof message) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void fail(const Supervised& work, ExecReport::Kind kind, int error) {
  send(work.report, kind, error);
  ::_exit(127);
}

void take_signal(int child_signals) {
  signalfd_siginfo taken{};
  static_cast<void>(::read(child_signals, &taken, sizeof taken) == 0);
}

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// A copy of another supervisor's control pipe here would keep its command alive.
void close_others(const Supervised& work) {
  std::array mine{work.null, work.output, work.errors, work.control, work.report};
  std::sort(mine.begin(), mine.end());
  unsigned from = 0;
  for (const int fd : mine) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > from) ::syscall(SYS_close_range, from, kept - 1, 0U);
    from = kept + 1;
  }
  ::syscall(SYS_close_range, from, ~0U, 0U);
}

[[noreturn]] void become_command(const Supervised& work, pid_t supervisor) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);  // it died before the line above
  const rlimit no_core{0, 0};                   // it holds secrets
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  if (::chdir(work.directory) != 0) fail(work, ExecReport::Kind::no_directory, errno);
  const int error = forbid_writing_below(work.unwritable);
  if (error != 0) fail(work, ExecReport::Kind::not_protected, error);
  ::dup2(work.null, STDIN_FILENO);
  ::dup2(work.output, STDOUT_FILENO);
  ::dup2(work.errors, STDERR_FILENO);
  ::execve(work.argv[0], work.argv, work.environment);
  fail(work, ExecReport::Kind::not_executed, errno);
}

// SIGKILL to every child, which orphaned descendants are too; false if they cannot be determined.
bool kill_children() {
  const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (list < 0) return false;
  std::array<char, 4096> text;
  pid_t pid = 0;
  ssize_t got = 0;
  while ((got = ::read(list, text.data(), text.size())) > 0 || (got < 0 && errno == EINTR)) {
    for (ssize_t i = 0; i < got; ++i) {
      const char c = text[static_cast<std::size_t>(i)];
      if (c >= '0' && c <= '9') {
        pid = pid * 10 + (c - '0');
      } else {
        if (pid > 1) ::kill(pid, SIGKILL);
        pid = 0;
      }
    }
  }
  if (pid > 1) ::kill(pid, SIGKILL);
  ::close(list);
  return true;
}

// The children of a killed process become children of this one, so the next check finds them. A killed process does not
// fork any more, so the loop ends. A process that hangs in the kernel holds up this process, not the agent.
void kill_all(int child_signals) {
  int pause_ms = first_look_ms;
  for (;;) {
    const bool listed = kill_children();
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) pause_ms = first_look_ms;
    if (ended < 0 && errno == ECHILD) return;
    if (!listed && pause_ms >= last_look_ms) return;
    pollfd wait{child_signals, POLLIN, 0};
    if (::poll(&wait, 1, pause_ms) > 0) take_signal(child_signals);
    pause_ms = std::min(pause_ms * 2, last_look_ms);
  }
}

ExecReport report_of(int status) {
  if (WIFSIGNALED(status)) return {ExecReport::Kind::signalled, WTERMSIG(status)};
  return {ExecReport::Kind::exited, WEXITSTATUS(status)};
}

// Until the command has ended, or was asked to end and did not. A shell ends at once when it is asked, and what it has
// started may still clean up: the whole family has the time.
ExecReport watch(const Supervised& work, pid_t command, int child_signals) {
  ExecReport result;
  bool has_ended = false;
  bool asked = false;
  std::int64_t until_ms = 0;
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{child_signals, POLLIN, 0}, pollfd{asked ? -1 : work.control, POLLIN, 0}};
    const auto left_ms = static_cast<int>(std::max<std::int64_t>(until_ms - now_ms(), 0));
    ::poll(wait.data(), wait.size(), asked ? left_ms : -1);
    if (wait[0].revents != 0) take_signal(child_signals);
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != command) continue;
      result = report_of(status);
      has_ended = true;
    }
    const bool is_alone = ended < 0;
    const bool is_late = asked && now_ms() >= until_ms;
    if (has_ended && (!asked || is_alone || is_late)) return result;
    if (!asked && wait[1].revents != 0) {
      asked = true;
      until_ms = now_ms() + work.grace_ms;
      ::kill(-command, SIGTERM);
    } else if (is_late) {
      ::kill(-command, SIGKILL);  // its whole group in one step; it is not reaped, so the number is still its own
      return {ExecReport::Kind::signalled, SIGKILL};
    }
  }
}

}  // namespace

void supervise(const Supervised& work) noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  ::setsid();  // out of reach of a terminal's Ctrl-C
  close_others(work);
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::signal(SIGCHLD, SIG_DFL);  // if it were ignored, no child could be waited for
  const int child_signals = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  const bool ready = child_signals >= 0 && ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
  if (!ready) fail(work, ExecReport::Kind::not_started, errno);
  const pid_t self = ::getpid();
  const pid_t command = ::fork();
  if (command < 0) fail(work, ExecReport::Kind::not_started, errno);
  if (command == 0) become_command(work, self);
  ::close(work.null);
  ::close(work.output);
  ::close(work.errors);
  const ExecReport result = watch(work, command, child_signals);
  kill_all(child_signals);
  send(work.report, result.kind, result.value);
  ::_exit(0);
}

}  // namespace jeton::agent
