#include "libclient/ctl/inherited_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace jeton::ctl {

InheritedState::InheritedState() {
  ::sigemptyset(&ignored_);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) ::sigaddset(&ignored_, number);
  }
  ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
  ::getrlimit(RLIMIT_CORE, &core_);
}

bool InheritedState::ignores(int number) const { return ::sigismember(&ignored_, number) == 1; }

// No other disposition survives exec, so a parent can leave none but these two.
int InheritedState::execute(const std::vector<std::string>& argv) const {
  for (int number = 1; number < NSIG; ++number) ::signal(number, ignores(number) ? SIG_IGN : SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  ::setrlimit(RLIMIT_CORE, &core_);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  return errno;
}

void prepare_process() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  // The upper limit stays: a command could not have it back.
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  core.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &core);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const bool closed = ::fcntl(fd, F_GETFD) < 0;
    // The lowest number that is free, so this one. Open the wrong way round: reading and writing do not lose data
    // unseen.
    if (closed) static_cast<void>(::open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
  }
}

}  // namespace jeton::ctl
