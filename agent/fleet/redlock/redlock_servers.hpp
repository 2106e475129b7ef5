// The servers of a quorum, as a coordinator of tokens and a store of locks both need them: connected, each with one
// vote, and heard by ears that tell their messages once.
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redlock/redlock_coordinator.hpp"
#include "agent/fleet/redlock/redlock_ears.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent {

struct RedlockServers {
  enum class Names { tokens, locks };  // what the quorum is asked about
  std::shared_ptr<RedlockEars> ears;
  std::shared_ptr<RedlockQuorum> quorum;
};

// Throws Error if there are less than three servers or one stands twice. Timers and random outlive all of it.
[[nodiscard]] RedlockServers make_redlock_servers(Timers& timers, Random& random,
                                                  const RedlockCoordinatorOptions& options,
                                                  RedlockServers::Names names);

// Reachable: a majority is connected. The clock offset is the middle one of those that are known.
[[nodiscard]] BackendHealth quorum_health(const RedlockQuorum& quorum);

}  // namespace jeton::agent
