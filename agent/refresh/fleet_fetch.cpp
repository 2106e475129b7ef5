#include "agent/refresh/fleet_fetch.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <utility>

namespace jeton::agent {
namespace {

using Step = Outage::Step;

constexpr Duration publish_patience = std::chrono::seconds(5);  // with the lock
// Longer than the echo of a pause (fleet_view.cpp), which holds no host: a call that is refused for a few milliseconds
// more would be asked for again and again meanwhile.
constexpr Duration shortest_hold = std::chrono::milliseconds(25);
BootTime held_until(BootTime until, BootTime now) { return std::max(until, now + shortest_hold); }
// A store is repaired within a second after a data loss.
constexpr Duration repair_patience = std::chrono::seconds(1);

}  // namespace

FleetFetch::FleetFetch(const TokenConfig& config, Milliseconds lock_ttl, Parts parts)
    : config_(config), lock_ttl_(lock_ttl), parts_(std::move(parts)) {}

Task<std::optional<Lease>> FleetFetch::try_lock() {
  parts_.journal.trying_lock();
  const BootTime asked_at = now();
  AcquireResult result;
  try {
    result = co_await parts_.leases.try_acquire(config_.name, lock_ttl_);
    parts_.outage.answered(Step::lock);
  } catch (const TransportError& e) {
    parts_.outage.failed(Step::lock, "take the updater lock", e);
    co_return std::nullopt;
  }
  const Generation known = parts_.current.generation();
  if (result.current) parts_.take_stored(std::move(*result.current));
  if (result.pause) {
    result.pause->until = held_until(result.pause->until, now());
    parts_.pauses.begin_confirmed(*result.pause, asked_at);
  }
  parts_.journal.lock_trouble(result.trouble);
  parts_.journal.lock_holder(result.holder);
  if (!result.lease) {
    if (!result.pause && parts_.current.generation() == known) parts_.fleet.claim(result.busy_until);
    co_return std::nullopt;
  }
  parts_.journal.lock_won(result.lease->fence, false);
  co_return std::move(result.lease);
}

// If a message says that the budget is spent, this host waits until the window ends, or until the next read of the
// store: if the coordinator has lost the count since, that read finds it. The count of a message is never stored,
// because any client may have sent it.
Task<bool> FleetFetch::admit(const Lease& lease) {
  FetchLimits allowed = parts_.fleet.limits(parts_.timing.is_requested());
  const BootTime spent_until = parts_.fleet.heard_spent_until(allowed.budget, parts_.repair.next_look());
  if (spent_until > now()) {
    refuse({.refusal = FetchRefusal::budget, .retry_at = spent_until}, allowed);
    co_return false;
  }
  Admission admission;
  try {
    const bool lost = co_await calls_are_lost();
    if (lost) {
      parts_.pauses.hold({now() + repair_patience, "the count of calls was lost", {}});
      co_return false;
    }
    allowed = parts_.fleet.limits(parts_.timing.is_requested());  // with the calls that were found
    admission = co_await parts_.budget.admit(config_.name, lease, allowed);
  } catch (const TransportError& e) {
    parts_.outage.failed(Step::admit, "ask for admission", e);
    co_return false;
  }
  parts_.outage.answered(Step::admit);
  if (admission.admitted()) {
    parts_.repair.note_usage({admission.calls_used, admission.window_end});
  } else {
    if (admission.refusal == FetchRefusal::budget) parts_.repair.note_usage({admission.calls_used, admission.retry_at});
    refuse(admission, allowed);
  }
  co_return admission.admitted();
}

// If the store has fewer calls than a message reported, there was a data loss, or the message was forged. The host that
// made the calls repairs their count; this host waits for that, once.
Task<bool> FleetFetch::calls_are_lost() {
  if (!parts_.fleet.heard_of_more_calls()) co_return false;
  const FetchUsage heard = parts_.fleet.heard();
  const FetchUsage stored = co_await parts_.budget.usage(config_.name);
  parts_.fleet.forget_heard_usage();
  if (stored.calls < heard.calls) co_return true;
  parts_.repair.note_usage(stored);  // a server of a quorum may have been the only one that knows it
  co_return false;
}

void FleetFetch::refuse(const Admission& refusal, const FetchLimits& allowed) {
  const FetchRefusal why = refusal.refusal.value();
  const std::string reason(name_of(why));
  parts_.journal.not_admitted(why, refusal.retry_at - now());
  if (allowed.budget > 0 && allowed.budget < config_.budget.calls && why == FetchRefusal::budget) {
    parts_.fleet.note_budget_spent(refusal.retry_at, reason);
    parts_.journal.pause_changed();
  } else {
    parts_.pauses.hold({held_until(refusal.retry_at, now()), reason, {}});
  }
}

// The lock is kept during the attempts only if another fetch would do harm (one refresh token on two hosts): else
// others may try, and this host goes on as with a token that the coordinator has lost. A reload waits for a loop that
// is stopping, and with it every token that it changes: no outage may hold it up. The next loop has the record.
Task<FetchPath::LockAfter> FleetFetch::publish(Record record, const Lease& lease, bool stopping) {
  parts_.journal.phase(RefreshPhase::publishing);
  const bool keeps_lock = keeps_state(config_.source);
  const BootTime give_up_at = keeps_lock && !stopping ? BootTime::max() : now() + publish_patience;
  const bool state_only = parts_.current.only_carries_state(record);
  for (;;) {
    try {
      PublishResult result = co_await parts_.records.publish(config_.name, record, lease);
      parts_.outage.answered(Step::publish);
      if (result.stored && !state_only) parts_.journal.published(record, false);
      settle(std::move(result), std::move(record));
      co_return LockAfter::released;
    } catch (const TransportError& e) {
      parts_.outage.failed(Step::publish, "publish the fetched token", e);
    } catch (const boost::system::system_error&) {  // the loop ends; the next one publishes
      parts_.take(std::move(record));
      throw;
    }
    parts_.take(record);
    const bool is_obsolete = parts_.current.generation() > record.generation;
    if (!record.valid(parts_.timers.clock()) || is_obsolete) {
      // Its state is worth a publication all the same.
      if (!is_obsolete && !record.state.empty()) parts_.repair.repair_from(parts_.outage.retry_at());
      co_return keeps_lock ? LockAfter::kept : LockAfter::held;
    }
    const BootTime others_may = std::min(give_up_at, parts_.timing.standalone_at());
    if (now() >= others_may) {
      parts_.repair.repair_from(parts_.outage.retry_at());
      co_return keeps_lock ? LockAfter::kept : LockAfter::held;
    }
    co_await sleep_until(parts_.timers, std::min(parts_.outage.retry_at(), others_may));
    parts_.current.bind(record);
  }
}

void FleetFetch::settle(PublishResult result, Record record) {
  if (result.stored) {
    parts_.repair.note_stored(record.generation);
    parts_.take(std::move(record));
    return;
  }
  parts_.journal.publication_refused(record, result.current ? result.current->generation : 0);
  if (result.current) parts_.take(std::move(*result.current));
}

Task<bool> FleetFetch::share_pause(Pause pause) {
  try {
    co_await parts_.signals.pause(config_.name, std::move(pause));
    co_return true;
  } catch (const TransportError& e) {
    parts_.outage.failed(Step::maintenance, "share the pause", e);
  }
  co_return false;
}

}  // namespace jeton::agent
