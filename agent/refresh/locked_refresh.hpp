// LockedRefresh: the work of the host that took the updater lock: admission, the call to the provider while the lock is
// renewed, publication. The lock is released at the end, also if the agent stops before or during the call to the
// provider. If the agent stops during the publication, the lock expires. One thread: the loop's.
#pragma once

#include <string>

#include "agent/refresh/fetch_path.hpp"
#include "agent/refresh/pause_policy.hpp"
#include "agent/refresh/refresh_request.hpp"
#include "agent/refresh/refresh_timing.hpp"
#include "agent/refresh/state_keeper.hpp"

namespace jeton::agent {

class LeaseKeeper;

class LockedRefresh {
 public:
  // All outlive the object.
  struct Parts {
    Timers& timers;
    Source& source;
    std::string host;  // goes into the records
    const CurrentToken& current;
    const RefreshTiming& timing;
    RefreshRequest& request;
    const Rejections& rejections;
    FleetView& fleet;
    PausePolicy& pauses;
    StateKeeper& state;
    RefreshJournal& journal;
  };
  LockedRefresh(const TokenConfig& config, Parts parts);

  // If it is cancelled before the publication, it releases the lock. Throws system_error(operation_aborted) when
  // cancelled.
  Task<> run(FetchPath& path, Lease lease);

 private:
  // The result of a call to the provider; nothing, if there was no call.
  struct Fetched {
    std::optional<FetchedToken> token;
    std::optional<SourceError> failure;
    BootTime asked_at{};     // before the request was sent
    bool cancelled = false;  // the agent stops; the answer counts all the same
  };
  [[nodiscard]] bool other_was_faster() const;
  [[nodiscard]] RefreshReason reason() const;
  Task<Fetched> fetch(FetchPath& path, LeaseKeeper& keeper);
  [[nodiscard]] std::optional<Record> record_of(Fetched& fetched, Generation generation, bool rejected) const;
  Task<> give_back(FetchPath& path, const Lease& lease);

  const TokenConfig& config_;
  Parts parts_;
};

}  // namespace jeton::agent
