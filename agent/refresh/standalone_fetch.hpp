// StandaloneFetch: a refresh without the coordinator, if the configuration allows it (outage.fetch_alone): in an
// outage, when the token is about to run out, with a lock of this host and its own share of the budget (budget.alone).
//
// The fetched token is current on this host only. The coordinator is asked again whenever this host holds no lock of
// its own. One thread: the loop's.
#pragma once

#include <functional>

#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/fetch_path.hpp"
#include "agent/refresh/outage.hpp"

namespace jeton::agent {

class StandaloneFetch final : public FetchPath {
 public:
  // All outlive the object. The roles are those of this host's own coordinator.
  struct Parts {
    const Clock& clock;
    LeaseStore& leases;
    RecordStore& records;
    FetchBudget& budget;
    FleetSignals& signals;
    const CurrentToken& current;
    const Outage& outage;
    RefreshJournal& journal;
    std::function<void(Record)> take;
    std::function<void(const Pause&)> hold;  // of an earlier fetch, by the files of this host
  };
  // `fetch_alone`: the time before the token's expiry at which a standalone fetch may begin; without a token, the time
  // after the beginning of the outage.
  StandaloneFetch(const TokenConfig& config, Milliseconds lock_ttl, Milliseconds fetch_alone, Parts parts);

  // The time of the standalone fetch if a refresh is due at `scheduled` and the provider may not be called before
  // `blocked_until`. Never while the coordinator has not just failed: the coordinator is asked first.
  [[nodiscard]] BootTime due_at(BootTime scheduled, BootTime blocked_until) const;
  // Ends this host's pause: an operator asks for a token, or the source has changed.
  Task<> lift_pause();
  // The same before the next attempt: a newer token has arrived.
  void lift_later() { lift_wanted_ = true; }

  Task<std::optional<Lease>> try_lock() override;
  Task<bool> admit(const Lease& lease) override;
  Task<LockAfter> publish(Record record, const Lease& lease) override;
  Task<bool> share_pause(Pause pause) override;
  [[nodiscard]] LeaseStore& leases() override { return parts_.leases; }

 private:
  Task<> lift_in_files();
  void failed(const TransportError& failure);
  [[nodiscard]] BootTime now() const { return parts_.clock.boot_now(); }

  const TokenConfig& config_;
  const Milliseconds lock_ttl_;
  const Milliseconds fetch_alone_;
  Parts parts_;
  BootTime blocked_until_{};  // it has no share left, or was refused
  bool lift_wanted_ = false;  // the pause in the files of this host is to end before the next attempt
};

}  // namespace jeton::agent
