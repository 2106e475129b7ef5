// Coordinator: all roles of one backend (local: files of this host; redis; redlock) in one object, and the backend
// itself: it connects, reports its health, and examines its servers for an operator.
//
// Code that works with a role takes that role. Only RefreshLoop and the code above it take this sum, and pass the roles
// on. Every role has the contract of lease_store.hpp.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "agent/base/finding.hpp"
#include "agent/base/tally.hpp"
#include "agent/base/task.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

// How other clients of the same Redis meet jeton. A backend without other clients ignores it.
struct TokenTerms {
  TokenLockConfig lock;    // the key and protocol of the updater lock
  std::string mirror_key;  // where the bare value is written too; empty: nowhere
  bool operator==(const TokenTerms&) const = default;
};

class Coordinator : public LeaseStore, public RecordStore, public FetchBudget, public FleetSignals {
 public:
  Coordinator() = default;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  ~Coordinator() override = default;

  // Sets the terms of a token, as its configuration has them. Called before the first call about the token, and again
  // when the terms change.
  virtual void configure(const std::string& name, const TokenTerms& terms) = 0;
  // `names`: the tokens of this host. Forgets the terms of other tokens, and removes the files that this host keeps
  // about them.
  virtual void prune_except(const std::set<std::string>& names) = 0;

  [[nodiscard]] virtual BackendHealth health() const = 0;
  // Asks each server about itself: version, rights, eviction, persistence, clock, replicas. Changes nothing. A server
  // without an answer is a finding. It may go on after stop(), and touches nothing of its callers.
  virtual Task<Findings> examine() = 0;
  // Called when the wall clock of this host was stepped: measures the offset again.
  virtual void clock_stepped() = 0;
  // Connects. The last stop() of those that share the connections ends them. A call after stop() throws TransportError;
  // a call under way ends at its deadline at the latest.
  virtual void start() = 0;
  virtual void stop() = 0;
};

// The coordinator and the lock store of one agent. They share their connections: these begin with the first start(),
// and end with the last stop() or destructor of the two, in either order. Neither needs the other to be used.
struct Backends {
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<LockStore> locks;
  std::shared_ptr<const ConnectionTally> connections{};  // null: there are none, or no count is kept
};

}  // namespace jeton::agent
