// What this process does about signals that it has inherited.
#pragma once

#include <signal.h>

namespace jeton::agent {

// By the parent of this process (nohup, a job in the background of a script), unless it was changed here since.
[[nodiscard]] inline bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace jeton::agent
