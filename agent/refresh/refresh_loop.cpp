#include "agent/refresh/refresh_loop.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace jeton::agent {
namespace {

// Of another token; it also wakes us when it is renewed.
constexpr Duration prerequisite_poll = std::chrono::seconds(1);
// Whether the coordinator reports losses may change without an event.
constexpr Duration recheck = std::chrono::seconds(30);

}  // namespace

// 1. to 5. The numbers are those of agent/README.md; 6. is in pause_policy.cpp, 7. in current_token.cpp and
// revoker.cpp.
Task<> RefreshLoop::run() {
  co_await start();
  for (;;) {
    co_await until_due();
    journal_.phase(RefreshPhase::acquiring);
    FetchPath& path = is_past(timing_.standalone_at()) ? static_cast<FetchPath&>(*standalone_) : fleet_fetch_;
    std::optional<Lease> lease = co_await path.try_lock();      // 4. One host wins the lock
    if (lease) co_await refresh_.run(path, std::move(*lease));  // and fetches; 5. the others wait for its record
  }
}

// 1. A valid token is served at once: that of the segment of an earlier run, then that of the published record.
// Subscribing comes before loading, so that nothing published in between is missed.
Task<> RefreshLoop::start() {
  current_.adopt();
  if (current_.record()) {
    if (!current_.record()->blank()) journal_.adopted(*current_.record());
    if (parts_.on_current) parts_.on_current(*current_.record());
  }
  std::optional<Record> kept = state_.load();
  if (kept) take(std::move(*kept));
  // The loop before this one may not have been able to.
  if (current_.record()) state_.keep(*current_.record(), current_.record()->state_only);
  // The agent before us heard of a rejection and did not live to replace the token.
  if (current_.rejected()) request(RefreshRequest::Reason::rejected);
  inherit();
  became_due();
  parts_.coordinator.configure(config_.name, {config_.lock, config_.mirror_key});
  parts_.coordinator.subscribe(config_.name, this);
  parts_.source.on_change([this] { source_changed(); });
  co_await repair_.reload();
  if (current_.rejected()) request(RefreshRequest::Reason::rejected);  // also as it was published since
}

// 2. and 3. One wait for everything: the schedule with its spread, claims and pauses of others, maintenance. Whatever
// arrives meanwhile changes the state and wakes us; the deadlines are computed again each time.
Task<> RefreshLoop::until_due() {
  for (;;) {
    // No maintenance comes before a token that runs out: each piece may wait for its timeout, and fail again and again.
    if (is_past(timing_.standalone_at()) && timing_.missing_prerequisite().empty()) co_return;
    const bool maintained = co_await maintain();
    if (maintained) continue;
    BootTime due = std::min(timing_.due_at(), timing_.standalone_at());
    if (is_past(due)) {
      const std::string missing = timing_.missing_prerequisite();
      journal_.waits_for(missing);
      if (missing.empty()) co_return;
      due = now() + prerequisite_poll;
    }
    journal_.phase(timing_.phase());
    const BootTime maintenance =
        std::min({repair_.reload_at(), repair_.repair_at(), pauses_.correction_check_at(), pauses_.lift_at()});
    const BootTime next = std::min({due, maintenance, now() + recheck});
    co_await wake_.wait_until(next);
  }
}

// One piece of maintenance that is due. False: there is none.
Task<bool> RefreshLoop::maintain() {
  const BootTime present = now();
  if (present >= repair_.reload_at()) {
    co_await repair_.reload();
  } else if (present >= repair_.repair_at()) {
    co_await repair_.repair();
  } else if (present >= pauses_.lift_at()) {
    co_await pauses_.lift_in_fleet();
  } else if (present >= pauses_.correction_check_at()) {
    co_await pauses_.resume_if_corrected();
  } else if (rejections_.is_to_announce()) {
    co_await rejections_.announce();
  } else {
    co_return false;
  }
  co_return true;
}

// The one place where a record becomes current: fetched here, published by another host, read from the coordinator, or
// kept on this host. A newer record settles every claim of before; one that is known, those that only a message made.
void RefreshLoop::take(Record record) {
  const Generation before = current_.generation();
  const Generation offered = record.generation;
  // Also of one that is known: what the segment of an earlier run lacks is in the published record.
  if (parts_.on_current && offered >= before) parts_.on_current(record);
  // Neither a new state without a token nor the token that was rejected is a success.
  const bool same_token = current_.record() && current_.record()->value == record.value;
  const bool state_only = current_.only_carries_state(record);
  const bool success = record.valid(clock()) && !state_only;
  const bool rejected_again = same_token && current_.rejected();
  try {
    const bool accepted = current_.accept(std::move(record));
    wipe_registers();
    if (!accepted) {
      journal_.record_older(offered);
      return;
    }
  } catch (const std::exception& e) {
    journal_.segment_failed(e);
  }
  state_.keep(*current_.record(), state_only);
  fleet_.end_heard_claim();
  if (current_.generation() == before) return;
  fleet_.end_claim();
  if (state_only) request_.follow(before, current_.generation());
  repair_.cancel_repair();
  pauses_.end_by_record(success);
  if (current_.record()->fetched_by != parts_.host) outage_.other_host_published();
  if (success && !rejected_again) journal_.renewed(*current_.record());
  if (success && rejected_again) journal_.given_again(*current_.record());
  if (rejected_again) rejections_.mark();
  became_due();
}

// A record that the coordinator has.
void RefreshLoop::take_stored(Record record) {
  repair_.note_stored(record.generation);
  if (record.generation >= current_.generation()) outage_.published();
  take(std::move(record));
}

}  // namespace jeton::agent
