// FleetFetch: a refresh through the coordinator: its lock, its admission, its record, its pause. One thread: the
// loop's.
#pragma once

#include <functional>

#include "agent/refresh/fetch_path.hpp"
#include "agent/refresh/refresh_timing.hpp"
#include "agent/refresh/store_repair.hpp"

namespace jeton::agent {

class FleetFetch final : public FetchPath {
 public:
  // All outlive the object.
  struct Parts {
    Timers& timers;
    LeaseStore& leases;
    RecordStore& records;
    FetchBudget& budget;
    FleetSignals& signals;
    const CurrentToken& current;
    const RefreshTiming& timing;
    FleetView& fleet;
    PausePolicy& pauses;
    StoreRepair& repair;
    Outage& outage;
    RefreshJournal& journal;
    std::function<void(Record)> take;
    std::function<void(Record)> take_stored;  // the coordinator has this record
  };
  FleetFetch(const TokenConfig& config, Milliseconds lock_ttl, Parts parts);

  Task<std::optional<Lease>> try_lock() override;
  Task<bool> admit(const Lease& lease) override;
  // A fetched token may be the only valid one: if the coordinator cannot be reached, this host serves the token, and
  // tries the publication again until the record is stored, refused or obsolete.
  Task<LockAfter> publish(Record record, const Lease& lease, bool stopping = false) override;
  Task<bool> share_pause(Pause pause) override;
  [[nodiscard]] LeaseStore& leases() override { return parts_.leases; }

 private:
  Task<bool> calls_are_lost();
  void refuse(const Admission& refusal, const FetchLimits& allowed);
  void settle(PublishResult result, Record record);
  [[nodiscard]] BootTime now() const { return parts_.timers.clock().boot_now(); }

  const TokenConfig& config_;
  const Milliseconds lock_ttl_;
  Parts parts_;
};

}  // namespace jeton::agent
