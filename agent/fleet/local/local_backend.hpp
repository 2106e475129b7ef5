// The local backend: the coordination of the agents of one host, by files, without Redis.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

// A coordinator in a directory of files: per token a lock file and a state file, so that a restarted agent finds its
// token and fetches nothing, and two agents exclude each other. The directory is created (0700) if it does not exist.
//
// A lease is a file lock: freed by the kernel if the process dies, and by the coordinator when its TTL ends without a
// renewal; until then it cannot be lost. The clock of the fleet is the host's own. Listeners are notified of changes
// that this object makes; an agent in another process finds them when it loads. Timers and random outlive it.
[[nodiscard]] std::unique_ptr<Coordinator> make_local_coordinator(Timers& timers, Random& random,
                                                                  std::filesystem::path directory);

// The locks of applications: in the agent's memory, written down so that they outlive a restart of the agent
// (local_lock_file.hpp). Key and protocol of other clients are not used here. A lock that runs out is announced like a
// release. start() makes the directory (0700), and throws Error if it cannot be used. Timers outlive the store.
[[nodiscard]] std::unique_ptr<LockStore> make_local_lock_store(Timers& timers, std::filesystem::path directory);

}  // namespace jeton::agent
