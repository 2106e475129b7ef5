// LeaseKeeper: renews a lease every ttl/3 while its owner works, and logs its loss.
//
// It renews as long as the object lives. A renewal that cannot reach the coordinator is tried again while the lease is
// valid. The lease is lost if a renewal finds that the lock is gone or has another owner, or if the lease expires. A
// loss does not stop the work under the lease: the result is published under its fence (agent/README.md, "Why the
// fence holds").
//
// A fetch that outlasts every deadline of its source must not keep the other hosts from fetching: between
// begin_fetch() and end_fetch() the lease is renewed no longer than the fetch may take, and then left to expire.
#pragma once

#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/fleet/lease_store.hpp"

namespace jeton::agent {

class LeaseKeeper {
 public:
  LeaseKeeper(LeaseStore& leases, Timers& timers, std::string name, Lease lease);
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;
  ~LeaseKeeper();

  void begin_fetch(Duration longest);
  void end_fetch();

  // The lease after the last renewal.
  [[nodiscard]] const Lease& lease() const;

 private:
  struct State;
  static Task<> keep(std::shared_ptr<State> state);
  static void log_loss(const State& state, const std::string& trouble);
  std::shared_ptr<State> state_;
};

}  // namespace jeton::agent
