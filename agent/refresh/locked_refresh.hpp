// The work of the host that took the updater lock (LockedRefresh), and the state for the next fetch that it leaves on
// this host's disk (StateKeeper). tests/model/fence_host.pml is a model of the steps. One thread: the loop's.
#pragma once

#include <optional>
#include <string>

#include "agent/provider/source.hpp"
#include "agent/record/record_file.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/fetch_path.hpp"
#include "agent/refresh/pause_policy.hpp"
#include "agent/refresh/refresh_journal.hpp"
#include "agent/refresh/refresh_request.hpp"
#include "agent/refresh/refresh_timing.hpp"

namespace jeton::agent {

class LeaseKeeper;

// Keeps the state that a source needs for its next fetch, such as a rotated refresh token.
//
// The state must not be lost: it is saved before its record is published; then the record contains it. Failures are
// noted in the journal, and the refresh goes on.
class StateKeeper {
 public:
  // All outlive the object. Without a `keeper` (the source keeps no state) nothing is done.
  StateKeeper(RecordKeeper* keeper, const CurrentToken& current, const Clock& clock, RefreshJournal& journal);

  // The record that an earlier run fetched and may not have published, unless a newer record is known.
  [[nodiscard]] std::optional<Record> load();
  // Saves the state of a record that is newer than the saved one. `state_only`: it brings no token with it.
  void keep(const Record& record, bool state_only);
  // Keeps an answer that cannot be read: a new refresh token may be in it and nowhere else.
  void keep_unread(const SourceError& failure);

 private:
  RecordKeeper* keeper_;
  const CurrentToken& current_;
  const Clock& clock_;
  RefreshJournal& journal_;
  Generation kept_ = 0;
};

// Admission, the call to the provider while the lock is renewed, publication. The lock is released at the end, also if
// the agent stops before or during the call to the provider. If the agent stops during the publication, the lock
// expires, and the record is current on this host.
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
  Task<> release_lock(FetchPath& path, const Lease& lease);

  const TokenConfig& config_;
  Parts parts_;
};

}  // namespace jeton::agent
