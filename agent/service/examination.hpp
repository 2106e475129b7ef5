// The examination of an agent for an operator (`jetonctl doctor`): the checks that only the agent can make, because it
// has the connections, the secrets and the limits. Nothing is fetched, published or changed. One thread: the loop's.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/finding.hpp"
#include "agent/base/timers.hpp"
#include "agent/config/load.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/http/http.hpp"

namespace jeton::agent {

// All but `config` and `read_config` outlive the examination.
struct Examined {
  Timers& timers;
  Coordinator& coordinator;
  HttpTransport& http;
  const TokenValues& tokens;
  const Config& config;                            // in force; used before the first wait only
  const std::function<LoadResult()>& read_config;  // the files; empty: they are not known
};

// Ends within a few seconds, whatever hangs.
Task<Findings> examine(Examined parts);

// A check that may wait for something.
struct Check {
  std::string subject;  // of the findings if it fails or does not end
  Task<Findings> work;  // may go on when its caller has ended: it touches nothing of the caller
};

// Makes the checks at the same time and together within a limit: one that hangs is a finding, and holds up neither the
// others nor its caller. The findings are in the order of the checks. `timers` outlives the checks.
Task<Findings> run_checks(Timers& timers, std::vector<Check> checks, Duration patience);

// The host's limits for the agent's process (host_check.cpp): locked memory, descriptors, inotify, and the room and
// rights of its directories. These read only, and block, but for a dead mount no longer than bounded_wait.hpp says.
// `segments`: the directory of the segments, which are to be locked into memory.
[[nodiscard]] Findings examine_limits(const std::filesystem::path& segments);
// `needs_state`: a token has a state that must outlive the host.
[[nodiscard]] Findings examine_directories(const AgentConfig& config, bool needs_state);

}  // namespace jeton::agent
