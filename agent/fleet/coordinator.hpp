// Coordinator: all roles of one backend (local: files of this host; redis; redlock) in one object.
//
// Code that works with a role takes that role. Only RefreshLoop and the code above it take this sum, and pass the roles
// on. Every role has the contract of lease_store.hpp.
#pragma once

#include <memory>

#include "agent/base/tally.hpp"
#include "agent/fleet/backend.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/record_store.hpp"

namespace jeton::agent {

class Coordinator : public LeaseStore, public RecordStore, public FetchBudget, public FleetSignals, public Backend {
 public:
  Coordinator() = default;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  ~Coordinator() override = default;
};

// The coordinator and the lock store of one agent. They share their connections: these begin with the first start(),
// and end with the last stop() or destructor of the two, in either order. Neither needs the other to be used.
struct Backends {
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<LockStore> locks;
  std::shared_ptr<const ConnectionTally> connections{};  // null: there are none, or nobody counts
};

}  // namespace jeton::agent
