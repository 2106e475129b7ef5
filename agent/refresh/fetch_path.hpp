// FetchPath: how one refresh is coordinated: through the fleet (fleet_fetch.hpp), or standalone, in an outage of the
// coordinator (standalone_fetch.hpp).
//
// No call throws TransportError: each notes a failure, and until when it holds this host back. One thread: the loop's.
#pragma once

#include <optional>

#include "agent/fleet/lease_store.hpp"

namespace jeton::agent {

class FetchPath {
 public:
  // What became of the lock in a publication: kept means until it expires, because another fetch would do harm.
  enum class LockAfter { given_back, held, kept };

  FetchPath() = default;
  FetchPath(const FetchPath&) = delete;
  FetchPath& operator=(const FetchPath&) = delete;
  virtual ~FetchPath() = default;

  // The updater lock, and with it the record: another host may have been faster. Empty: not now.
  virtual Task<std::optional<Lease>> try_lock() = 0;
  // Whether this lease may call the provider now. Counts the call if so.
  virtual Task<bool> admit(const Lease& lease) = 0;
  // By the fence. A lease without an owner: the lock is held afterwards, also if this says that it was given back.
  virtual Task<LockAfter> publish(Record record, const Lease& lease) = 0;
  // True: the coordinator knows of the pause, so that a host that asks later finds it.
  virtual Task<bool> share_pause(Pause pause) = 0;
  // Of the updater lock.
  [[nodiscard]] virtual LeaseStore& leases() = 0;
};

}  // namespace jeton::agent
