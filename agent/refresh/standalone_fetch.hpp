// An outage of the coordinator: whether there is one (Outage), and the refresh without the coordinator that the
// configuration may allow in it (StandaloneFetch). One thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/fetch_budget.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/refresh/current_token.hpp"
#include "agent/refresh/fetch_path.hpp"
#include "agent/refresh/refresh_journal.hpp"

namespace jeton::agent {

// Whether the coordinator can be reached, and when it is asked again.
//
// A success ends the outage only if it is of the step that failed or of a later step. A server that can be read, and
// stores or ends a pause, may still refuse the lock; a server that grants the lock may still refuse an admission again
// and again. State without I/O.
class Outage {
 public:
  enum class Step { load, maintenance, lock, admit, publish };

  // All outlive the object.
  Outage(const Clock& clock, Random& random, RefreshJournal& journal);

  void answered(Step step);
  // `doing`: "take the updater lock".
  void failed(Step step, const std::string& doing, const TransportError& failure);
  // Another host could publish: the outage of this host may end before it has published itself.
  void other_host_published() { failing_step_ = Step::load; }
  // The coordinator has the newest record of this host: a publication has succeeded whose answer was lost.
  void published() {
    if (failing_step_ == Step::publish) failing_step_ = Step::load;
  }

  // The beginning of the outage; empty: there is none.
  [[nodiscard]] std::optional<BootTime> since() const { return since_; }
  // The coordinator is not asked before then.
  [[nodiscard]] BootTime retry_at() const { return retry_at_; }

 private:
  const Clock& clock_;
  RefreshJournal& journal_;
  Backoff backoff_;
  std::optional<BootTime> since_;
  Step failing_step_ = Step::load;  // the furthest one that failed since then
  BootTime retry_at_{};
};

// A refresh without the coordinator (outage.fetch_alone): in an outage, when the token is about to run out, with a lock
// of this host and its own share of the budget (budget.alone).
//
// The fetched token is current on this host only. The coordinator is asked again whenever this host holds no lock of
// its own.
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
  [[nodiscard]] bool is_lift_wanted() const { return lift_wanted_; }

  Task<std::optional<Lease>> try_lock() override;
  Task<bool> admit(const Lease& lease) override;
  Task<LockAfter> publish(Record record, const Lease& lease, bool stopping = false) override;
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
