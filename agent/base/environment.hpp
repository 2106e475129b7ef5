// The environment that the process was started with. Any thread: the agent never changes a variable.
#pragma once

#include <cstdlib>

namespace jeton::agent {

// Null if there is no such variable.
[[nodiscard]] inline const char* environment_variable(const char* name) noexcept {
  return std::getenv(name);  // NOLINT(concurrency-mt-unsafe): it is safe beside everything but setenv
}

}  // namespace jeton::agent
