#include "agent/refresh/standalone_fetch.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <utility>

namespace jeton::agent {
namespace {

constexpr BackoffLimits reach_limits{std::chrono::milliseconds(250), std::chrono::seconds(2),
                                     std::chrono::milliseconds(50)};
constexpr Duration own_retry = std::chrono::seconds(1);  // of this host's own lock and files

}  // namespace

Outage::Outage(const Clock& clock, Random& random, RefreshJournal& journal)
    : clock_(clock), journal_(journal), backoff_(reach_limits, random) {}

void Outage::answered(Step step) {
  if (!since_ || step < failing_step_) return;
  since_.reset();
  backoff_.reset();
  journal_.coordinator_answered();
}

void Outage::failed(Step step, const std::string& doing, const TransportError& failure) {
  const bool begins = !since_;
  if (begins) since_ = clock_.boot_now();
  failing_step_ = begins ? step : std::max(failing_step_, step);
  retry_at_ = clock_.boot_now() + backoff_.next();
  journal_.coordinator_failed(doing, failure, begins);
}

StandaloneFetch::StandaloneFetch(const TokenConfig& config, Milliseconds lock_ttl, Milliseconds fetch_alone,
                                 Parts parts)
    : config_(config), lock_ttl_(lock_ttl), fetch_alone_(fetch_alone), parts_(std::move(parts)) {}

// It is not due in a short failure of the network at the start of the agent.
BootTime StandaloneFetch::due_at(BootTime scheduled, BootTime blocked_until) const {
  const std::optional<BootTime> since = parts_.outage.since();
  if (!since || now() >= parts_.outage.retry_at()) return BootTime::max();
  BootTime runs_out = *since + fetch_alone_;
  if (parts_.current.valid()) runs_out = boot_time_of(parts_.current.record()->expires_at, parts_.clock) - fetch_alone_;
  return std::max({runs_out, scheduled, blocked_until, blocked_until_});
}

Task<std::optional<Lease>> StandaloneFetch::try_lock() {
  if (lift_wanted_) co_await lift_in_files();
  if (lift_wanted_) co_return std::nullopt;
  AcquireResult result;
  try {
    result = co_await parts_.leases.try_acquire(config_.name, lock_ttl_);
  } catch (const TransportError& e) {
    failed(e);
    co_return std::nullopt;
  }
  if (result.current) parts_.take(std::move(*result.current));
  if (!result.lease) {
    blocked_until_ = now() + own_retry;
    if (result.pause) parts_.hold(*result.pause);
    co_return std::nullopt;
  }
  result.lease->fence = parts_.current.own_generation(result.lease->fence);
  parts_.journal.lock_won(result.lease->fence, true);
  co_return std::move(result.lease);
}

Task<bool> StandaloneFetch::admit(const Lease& lease) {
  const BudgetConfig& budget = config_.budget;
  const FetchLimits allowed{config_.refresh.min_interval, budget.calls == 0 ? 0 : budget.alone, budget.per};
  Admission admission;
  try {
    admission = co_await parts_.budget.admit(config_.name, lease, allowed);
  } catch (const TransportError& e) {
    failed(e);
    co_return false;
  }
  if (!admission.admitted()) {
    blocked_until_ = admission.retry_at;
    parts_.journal.standalone_refused(std::string(name_of(*admission.refusal)));
  }
  co_return admission.admitted();
}

// A failure is not tried again: only this host has to know the record.
Task<FetchPath::LockAfter> StandaloneFetch::publish(Record record, const Lease& lease, bool /*stopping*/) {
  parts_.journal.phase(RefreshPhase::publishing);
  const bool state_only = parts_.current.only_carries_state(record);
  PublishResult result;
  try {
    result = co_await parts_.records.publish(config_.name, record, lease);
  } catch (const TransportError& e) {
    failed(e);
    parts_.take(std::move(record));
    co_return LockAfter::held;
  } catch (const boost::system::system_error&) {  // the loop ends
    parts_.take(std::move(record));
    throw;
  }
  if (result.stored) {
    if (!state_only) parts_.journal.published(record, true);
    parts_.take(std::move(record));
  } else {
    parts_.journal.publication_refused(record, result.current ? result.current->generation : 0);
    if (result.current) parts_.take(std::move(*result.current));
  }
  co_return LockAfter::released;
}

// The files of this host keep it over a restart; the coordinator does not learn it.
Task<bool> StandaloneFetch::share_pause(Pause pause) {
  try {
    co_await parts_.signals.pause(config_.name, std::move(pause));
  } catch (const TransportError& e) {
    failed(e);
  }
  co_return false;
}

Task<> StandaloneFetch::lift_pause() {
  blocked_until_ = {};
  lift_wanted_ = true;
  co_await lift_in_files();
}

Task<> StandaloneFetch::lift_in_files() {
  try {
    co_await parts_.signals.resume(config_.name, ResumeReason::operator_asked);
    lift_wanted_ = false;
  } catch (const TransportError& e) {
    failed(e);
  }
}

void StandaloneFetch::failed(const TransportError& failure) {
  blocked_until_ = now() + own_retry;
  parts_.journal.standalone_refused(failure.what());
}

}  // namespace jeton::agent
