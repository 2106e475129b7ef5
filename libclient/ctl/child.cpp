#include "libclient/ctl/child.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/failure.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
namespace {

constexpr int not_found = 127;
constexpr int not_runnable = 126;
constexpr int killed_by_signal = 128;

// Between fork and exec, in the child. This program has one thread, so anything may be called.
[[noreturn]] void become(const std::vector<std::string>& argv,
                         const std::vector<std::pair<std::string, std::string>>& env, const InheritedSignals& signals,
                         pid_t parent, bool own_group) {
  if (own_group) ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(killed_by_signal + SIGKILL);  // it died before we asked
  for (const auto& [name, value] : env) ::setenv(name.c_str(), value.c_str(), 1);
  signals.restore();
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  const int error = errno;
  say("cannot run " + argv.front() + ": " + std::generic_category().message(error));
  ::_exit(error == ENOENT ? not_found : not_runnable);
}

// Of this process, which has one thread. None if the kernel does not tell.
std::set<pid_t> own_children() {
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

}  // namespace

Child::Child(const std::vector<std::string>& argv, const std::vector<std::pair<std::string, std::string>>& env,
             const InheritedSignals& signals)
    : own_group_(::isatty(STDIN_FILENO) == 0), of_others_(own_children()) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw Failure(Exit::run_failed, "cannot start a process: " + std::generic_category().message(errno));
  }
  if (pid_ == 0) become(argv, env, signals, parent, own_group_);
  if (own_group_) ::setpgid(pid_, pid_);  // here, too: a signal may be sent before the child has come to it
}

Child::~Child() {
  if (!status_) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void Child::signal(int number) const { ::kill(own_group_ ? -pid_ : pid_, number); }

// What is killed leaves its own children to us.
void Child::end_what_is_left() const {
  if (own_group_) ::kill(-pid_, SIGKILL);
  const Deadline deadline(Milliseconds{2000});
  while (!deadline.passed()) {
    bool any = false;
    for (const pid_t left : own_children()) {
      if (of_others_.contains(left)) continue;
      any = true;
      ::kill(left, SIGKILL);
      ::waitpid(left, nullptr, WNOHANG);
    }
    if (!any) return;
    ::poll(nullptr, 0, 5);
  }
}

std::optional<int> Child::status() {
  if (status_) return status_;
  int raw = 0;
  const pid_t ended = ::waitpid(pid_, &raw, WNOHANG);
  if (ended == pid_) {
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : killed_by_signal + WTERMSIG(raw);
  } else if (ended < 0) {
    say("the command has ended, and its status is lost: " + std::generic_category().message(errno));
    status_ = static_cast<int>(Exit::run_failed);
  }
  return status_;
}

}  // namespace jeton::ctl
