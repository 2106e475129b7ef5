// Makes the quorum that the coordinator and the lock store of an agent share: connected servers, each with one vote.
#pragma once

#include <memory>

#include "agent/fleet/redlock/redlock_backend.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent {

// Throws Error if there are less than three servers or one is given twice. Timers and random outlive all of it.
[[nodiscard]] redlock::Quorum make_redlock_quorum(Timers& timers, Random& random, const RedlockOptions& options);

[[nodiscard]] std::unique_ptr<LockStore> make_redlock_lock_store(redlock::Quorum quorum);

// Reachable: a majority is connected. The last error names every server that is not, or that has its vote already. The
// clock offset is the middle one of those that are known.
[[nodiscard]] BackendHealth quorum_health(const RedlockQuorum& quorum);

}  // namespace jeton::agent
