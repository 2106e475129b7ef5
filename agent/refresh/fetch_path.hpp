// FetchPath: the coordination of one refresh: through the fleet (fleet_fetch.hpp), or standalone, in an outage of the
// coordinator (standalone_fetch.hpp).
//
// No call throws TransportError: each notes a failure, and the time until this host tries again. One thread: the
// loop's.
#pragma once

#include <optional>

#include "agent/fleet/lease_store.hpp"

namespace jeton::agent {

class FetchPath {
 public:
  // The state of the lock after a publication. kept: until it expires, because another fetch would do harm.
  enum class LockAfter { released, held, kept };

  FetchPath() = default;
  FetchPath(const FetchPath&) = delete;
  FetchPath& operator=(const FetchPath&) = delete;
  virtual ~FetchPath() = default;

  // Takes the updater lock and reads the record with it: another host may have been faster. Empty: not possible now.
  virtual Task<std::optional<Lease>> try_lock() = 0;
  // Whether the holder of this lease may call the provider now; counts the call if it may.
  virtual Task<bool> admit(const Lease& lease) = 0;
  // Publishes the record under the fence of the lease. For a lease without an owner the lock is held afterwards, also
  // if the result is released. `stopping`: the loop ends, and is waited for; what cannot be published soon is left to
  // the next one. If it is cancelled, the record is current on this host.
  virtual Task<LockAfter> publish(Record record, const Lease& lease, bool stopping = false) = 0;
  // True: the coordinator has stored the pause, so that a host that asks later finds it.
  virtual Task<bool> share_pause(Pause pause) = 0;
  // The store of the updater lock.
  [[nodiscard]] virtual LeaseStore& leases() = 0;
};

}  // namespace jeton::agent
