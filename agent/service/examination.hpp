// The examination of an agent for an operator (`jetonctl doctor`): the checks that only the agent can make, because it
// has the connections, the secrets and the limits. Nothing is fetched, published or changed. One thread: the loop's.
#pragma once

#include <functional>

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

}  // namespace jeton::agent
