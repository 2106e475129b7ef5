// The signal dispositions that this process has inherited.
#pragma once

#include <signal.h>

namespace jeton::agent {

// Whether the parent of this process (nohup, a job in the background of a script) set the signal to be ignored, unless
// this process has changed that since.
[[nodiscard]] inline bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace jeton::agent
