#include "libclient/ctl/inherited_signals.hpp"

namespace jeton::ctl {

InheritedSignals::InheritedSignals() {
  ::sigemptyset(&ignored_);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) ::sigaddset(&ignored_, number);
  }
  ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
}

bool InheritedSignals::ignores(int number) const { return ::sigismember(&ignored_, number) == 1; }

// No other disposition survives exec, so a parent can leave none but these two.
void InheritedSignals::restore() const {
  for (int number = 1; number < NSIG; ++number) ::signal(number, ignores(number) ? SIG_IGN : SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

void prepare_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
}

}  // namespace jeton::ctl
