// The environment from the parent process: variables, and signals to be ignored. Any thread: the agent never changes a
// variable.
#pragma once

#include <signal.h>

#include <cstdlib>

namespace jeton::agent {

// Null if there is no such variable.
[[nodiscard]] inline const char* environment_variable(const char* name) noexcept {
  return std::getenv(name);  // NOLINT(concurrency-mt-unsafe): it is safe beside everything but setenv
}

// Whether the parent (nohup, a job in the background of a script) set the signal to be ignored, unless this process has
// changed that since.
[[nodiscard]] inline bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace jeton::agent
