// Coordinator: everything that a fleet agrees through, in one backend: local (files of this host), redis, redlock.
//
// A user takes the role that it needs and not this sum. Every role has the contract of lease_store.hpp.
#pragma once

#include "agent/fleet/backend.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/fleet_signals.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/fleet/record_store.hpp"

namespace jeton::agent {

class Coordinator : public LeaseStore, public RecordStore, public FetchBudget, public FleetSignals, public Backend {
 public:
  Coordinator() = default;
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  ~Coordinator() override = default;
};

}  // namespace jeton::agent
