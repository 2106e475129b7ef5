// The demo: a provider in this process, a real agent and a reader as child processes, and a live view of them.
#pragma once

#include <optional>

#include "agent/base/time.hpp"

namespace jeton::agent::demo {

struct DemoOptions {
  std::optional<Milliseconds> run_for;  // from the first token on; nothing: until SIGINT or SIGTERM
  Milliseconds lifetime{10'000};        // of each token
  bool color = true;                    // on a terminal, unless NO_COLOR is set
};

// Returns the exit status: 0 at the end of its time or on SIGINT, SIGTERM or SIGHUP; 1 if it cannot start, a child ends
// by itself, or the reader saw an error. Leaves no process and no file behind.
int run_demo(const DemoOptions& options);

}  // namespace jeton::agent::demo
