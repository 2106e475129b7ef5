// The servers of a quorum, as the coordinator and the lock store of an agent share them: connected, each with one vote,
// and with notifications that pass on each message once.
#pragma once

#include <memory>

#include "agent/fleet/redlock/quorum_notifications.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent {

struct RedlockServers {
  std::shared_ptr<QuorumNotifications> notifications;
  std::shared_ptr<RedlockQuorum> quorum;
};

// Throws Error if there are less than three servers or one is given twice. Timers and random outlive all of it.
[[nodiscard]] RedlockServers make_redlock_servers(Timers& timers, Random& random, const RedlockOptions& options);

[[nodiscard]] std::unique_ptr<LockStore> make_redlock_lock_store(RedlockServers servers);

// Reachable: a majority is connected. The last error names every server that is not, or that has its vote already. The
// clock offset is the middle one of those that are known.
[[nodiscard]] BackendHealth quorum_health(const RedlockQuorum& quorum);

}  // namespace jeton::agent
