// `jeton-agent run`: the process around an Agent: loop, clock, signals, systemd.
#pragma once

#include <functional>

#include "agent/config/load.hpp"

namespace jeton::agent {

// For the first step of the process: blocks SIGHUP, so that a SIGHUP that comes while the agent starts waits until it
// can be handled, and does not end the process.
void hold_hangup_back();

// Runs `loaded`, which has a configuration and perhaps warnings, until SIGTERM or SIGINT; returns the exit status.
// SIGHUP calls `read_config` and applies the result, or logs the reason and continues with the old configuration.
int run_daemon(LoadResult loaded, const std::function<LoadResult()>& read_config);

}  // namespace jeton::agent
