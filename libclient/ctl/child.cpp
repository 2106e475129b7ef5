#include "libclient/ctl/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/output.hpp"
#include "libclient/ctl/signals.hpp"

namespace jeton::ctl {
namespace {

constexpr int killed_by_signal = 128;

// First to numbers that no other one is going to have. A copy that gets such a number keeps it, so that the next copy
// gets another; it is replaced in the end.
void place(const std::vector<std::pair<int, int>>& descriptors) {
  const auto is_wanted = [&](int fd) {
    return std::any_of(descriptors.begin(), descriptors.end(), [fd](const auto& pair) { return pair.second == fd; });
  };
  std::vector<std::pair<int, int>> moved;
  for (auto [fd, to] : descriptors) {
    while (is_wanted(fd)) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    moved.emplace_back(fd, to);
  }
  for (const auto& [from, to] : moved) {
    if (from >= 0 && ::dup2(from, to) >= 0) continue;
    say("cannot give the command descriptor " + std::to_string(to) + ": " + std::generic_category().message(errno) +
        "; write a lower number, or raise the limit of open files");
    ::_exit(static_cast<int>(Exit::run_failed));
  }
}

// Between fork and exec, in the child. This program has one thread, so anything may be called.
[[noreturn]] void become(const std::vector<std::string>& argv, const Given& given, const InheritedState& inherited,
                         pid_t parent, bool own_group) {
  if (own_group) ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(killed_by_signal + SIGKILL);  // it died before we asked
  for (const auto& [name, value] : given.env) ::setenv(name.c_str(), value.c_str(), 1);
  place(given.descriptors);
  const int error = inherited.execute(argv);
  say("cannot run " + argv.front() + ": " + std::generic_category().message(error));
  ::_exit(error == ENOENT ? Child::not_found : Child::not_runnable);
}

// On stdin; or /dev/tty, with this process in its foreground.
bool has_terminal() {
  if (::isatty(STDIN_FILENO) == 1) return true;
  const int terminal = ::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return false;
  const bool in_front = ::tcgetpgrp(terminal) == ::getpgrp();
  ::close(terminal);
  return in_front;
}

// The children of this process, which has one thread. None if the kernel does not report them.
std::set<pid_t> own_children() {
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

}  // namespace

Child::Child(const std::vector<std::string>& argv, const Given& given, const InheritedState& inherited)
    : own_group_(!has_terminal()), of_others_(own_children()) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw Failure(Exit::run_failed, "cannot start a process: " + std::generic_category().message(errno));
  }
  if (pid_ == 0) become(argv, given, inherited, parent, own_group_);
  if (own_group_) ::setpgid(pid_, pid_);  // here, too: a signal may be sent before the child has come to it
}

Child::~Child() {
  if (!status_) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void Child::signal(int number) const { ::kill(own_group_ ? -pid_ : pid_, number); }

// The end of a terminal is sent to the leader of its session only, which may be this process (ssh -t HOST jetonctl).
void Child::pass_on(const signalfd_siginfo& sent) const {
  const int number = static_cast<int>(sent.ssi_signo);
  const bool is_for_leader = number == SIGHUP && ::getsid(0) == ::getpid();
  const bool has_it = sent.ssi_code == SI_KERNEL && !own_group_ && !is_for_leader;
  if (number == SIGCHLD || has_it) return;
  signal(number);
  if (number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT) signal(SIGCONT);
}

void Child::signal_command(int number) const { ::kill(pid_, number); }

// The children of a process that has ended become our children.
std::vector<pid_t> Child::left_behind() const {
  std::vector<pid_t> pids;
  for (const pid_t child : own_children()) {
    if (!of_others_.contains(child)) pids.push_back(child);
  }
  return pids;
}

bool Child::has_left_any() const {
  bool any = false;
  for (const pid_t left : left_behind()) any |= ::waitpid(left, nullptr, WNOHANG) != left;
  return any || (own_group_ && ::kill(-pid_, 0) == 0);
}

void Child::signal_what_is_left(int number) const {
  if (own_group_) ::kill(-pid_, number);
  for (const pid_t left : left_behind()) ::kill(left, number);
}

void Child::end_what_is_left() const {
  const Deadline deadline(Milliseconds{2000});
  do {
    signal_what_is_left(SIGKILL);
    if (!has_left_any()) return;
    ::poll(nullptr, 0, 5);
  } while (!deadline.passed());
}

std::optional<int> Child::status() {
  if (status_) return status_;
  int raw = 0;
  for (pid_t changed = 0; (changed = ::waitpid(-1, &raw, WNOHANG | WUNTRACED)) > 0;) {
    if (changed == pid_ && WIFSTOPPED(raw)) tell_of_stop(WSTOPSIG(raw));
    if (changed == pid_ && !WIFSTOPPED(raw)) note_end(raw);
  }
  if (status_) return status_;
  // The question above is answered by any child that runs; this one is not, if other code has waited for ours.
  const pid_t ended = ::waitpid(pid_, &raw, WNOHANG);
  if (ended == pid_) {
    note_end(raw);
  } else if (ended < 0) {
    say("the command has ended, but its status is not known: " + std::generic_category().message(errno));
    status_ = static_cast<int>(Exit::run_failed);
  }
  return status_;
}

// The shell that started this process knows nothing of the command's group, so it shows no stopped job, and its `fg`
// gives that group no terminal.
void Child::tell_of_stop(int number) const {
  if (!own_group_ || (number != SIGTTIN && number != SIGTTOU)) return;
  say("the command is stopped (" + signal_name(number) +
      "): it uses the terminal, which a job in the background cannot have; start jetonctl in the foreground");
}

void Child::note_end(int raw) { status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : killed_by_signal + WTERMSIG(raw); }

}  // namespace jeton::ctl
