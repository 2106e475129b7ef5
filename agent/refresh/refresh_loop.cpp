#include "agent/refresh/refresh_loop.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/refresh/lease_keeper.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration cold_start_spread = milliseconds(5);  // without a valid token nobody waits for the spread
constexpr Duration quiet_poll = seconds(30);             // fallbacks for lost messages
constexpr Duration waiting_poll = seconds(1);
constexpr BackoffLimits reach_limits{milliseconds(250), seconds(2), milliseconds(50)};

}  // namespace

RefreshLoop::RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts)
    : config_(std::move(config)),
      lock_ttl_(lock_ttl),
      parts_(std::move(parts)),
      current_(config_, parts_.store, parts_.timers, parts_.random, [this] { became_due(); }),
      holds_(parts_.random),
      wake_(parts_.timers),
      fetch_backoff_({config_.refresh.retry_initial, config_.refresh.retry_max, config_.refresh.retry_initial / 4},
                     parts_.random),
      reach_backoff_(reach_limits, parts_.random) {}

RefreshLoop::~RefreshLoop() { parts_.coordinator.subscribe(config_.name, nullptr); }

Task<> RefreshLoop::run() {
  co_await start();  // 1. Start
  for (;;) {
    co_await until_due();                    // 2. Quiet, 3. Grace; 5. a loser waits here too
    if (auto lease = co_await try_lock()) {  // 4. Winner
      co_await refresh_under(std::move(*lease));
    }
  }
}

// 1. What is valid already is served at once: the segment of an earlier run, then the published record. Subscribing
// comes before loading, so that nothing published in between is missed.
Task<> RefreshLoop::start() {
  current_.adopt();
  became_due();
  parts_.coordinator.subscribe(config_.name, this);
  co_await reload();
}

// 2. and 3. One wait for everything: the schedule with its spread, claims and pauses of others, the poll. Whatever
// arrives meanwhile changes the state and wakes us; the deadlines are computed anew each time.
Task<> RefreshLoop::until_due() {
  for (;;) {
    const BootTime present = now();
    if (reload_wanted_ || present >= next_poll_) {
      co_await reload();
      continue;
    }
    if (present >= repair_at_) {
      co_await repair();
      continue;
    }
    const BootTime due = due_at();
    if (present >= due) co_return;
    set_phase(holds_.phase(present));
    const BootTime wake_at = std::min(std::min(due, next_poll_), repair_at_);
    co_await wake_.wait_until(wake_at);
  }
}

// 4a. The lock, and with it the record: someone may have been faster.
Task<std::optional<Lease>> RefreshLoop::try_lock() {
  set_phase(RefreshPhase::acquiring);
  ++status_.lock_attempts;
  AcquireResult result;
  try {
    result = co_await parts_.coordinator.try_acquire(config_.name, lock_ttl_);
    coordinator_answered();
  } catch (const TransportError& e) {
    coordinator_failed("take the updater lock", e);
    co_return std::nullopt;
  }
  const Generation known = current_.generation();
  if (result.current) take(std::move(*result.current));
  if (result.pause) hold_for_pause(*result.pause);
  if (!result.lease) {
    if (!result.pause && current_.generation() == known) holds_.claim(result.busy_until);
    co_return std::nullopt;
  }
  status_.fence = result.lease->fence;
  co_return std::move(result.lease);
}

// 4b. Admission, fetch while the lock is renewed, publication; the lock is given back whatever happens.
Task<> RefreshLoop::refresh_under(Lease lease) {
  status_.holds_lock = true;
  const Generation generation = current_.next_generation(lease.fence);
  std::optional<FetchedToken> fetched;
  bool cancelled = false;
  const LeaseKeeper keeper(parts_.coordinator, parts_.timers, config_.name, std::move(lease));
  try {
    const bool someone_was_faster = scheduled_at() > now();
    if (!someone_was_faster) fetched = co_await fetch_under(keeper);
  } catch (const boost::system::system_error&) {
    cancelled = true;
  }
  if (cancelled) {
    // The agent stops. The lock is still given back, so that another host need not wait for its TTL.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  }
  if (fetched) {
    JETON_FAILPOINT("refresh.fetched");
    co_await publish(current_.successor(std::move(*fetched), generation, parts_.host), keeper.lease());
  } else {
    co_await give_back(keeper.lease());
  }
  fetched.reset();
  wipe_registers();
  status_.holds_lock = false;
  holds_.end_claim();  // our own, should we have heard it before the answer to try_acquire
  parts_.changed.notify();
  if (cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

// 4c. The call to the provider, counted against min_interval and budget before it is made.
Task<std::optional<FetchedToken>> RefreshLoop::fetch_under(const LeaseKeeper& keeper) {
  std::optional<SourceError> failure;
  try {
    const FetchLimits limits{config_.refresh.min_interval, config_.budget.calls, config_.budget.per};
    const Admission admission = co_await parts_.coordinator.admit(config_.name, keeper.lease(), limits);
    if (!admission.admitted) {
      hold_for_pause(Pause{admission.retry_at, admission.reason});
      co_return std::nullopt;
    }
    set_phase(RefreshPhase::fetching);
    ++status_.fetches;
    status_.last_fetch_at = parts_.timers.clock().wall_now();
    JETON_FAILPOINT("refresh.fetch");
    co_return co_await parts_.source.fetch();
  } catch (const SourceError& e) {
    failure = e;
  } catch (const TransportError& e) {
    coordinator_failed("ask for admission", e);
  }
  if (failure) co_await fetch_failed(*failure);
  co_return std::nullopt;
}

// 4d. Publishes by the fence. A token that was fetched may be the only valid one: if the coordinator cannot be reached
// this host serves it, and the publication is tried until it is stored, refused or worthless.
Task<> RefreshLoop::publish(Record record, const Lease& lease) {
  set_phase(RefreshPhase::publishing);
  for (;;) {
    try {
      const PublishResult result = co_await parts_.coordinator.publish(config_.name, record, lease);
      coordinator_answered();
      if (result.stored) {
        ++status_.publications;
        log::info("token refreshed", {{"token", config_.name},
                                      {"generation", record.generation},
                                      {"fingerprint", record.value.fingerprint()},
                                      {"lifetime_s", (record.expires_at - record.issued_at) / seconds(1)}});
        take(std::move(record));
      } else {
        ++status_.publications_refused;
        log::warning("late publication refused: the fleet has a newer token; its fence decides",
                     {{"token", config_.name},
                      {"generation", record.generation},
                      {"current", result.current ? result.current->generation : 0}});
        if (result.current) take(std::move(*result.current));
      }
      co_return;
    } catch (const TransportError& e) {
      coordinator_failed("publish the fetched token", e);
    }
    take(record);
    if (!record.valid_at(parts_.timers.clock().wall_now()) || current_.generation() > record.generation) co_return;
    co_await sleep_until(parts_.timers, holds_.unreachable_until());
  }
}

Task<> RefreshLoop::give_back(const Lease& lease) {
  try {
    co_await parts_.coordinator.release(config_.name, lease);
  } catch (const TransportError& e) {
    log::debug("the updater lock could not be released and will expire",
               {{"token", config_.name}, {"error", e.what()}});
  }
}

// 6. The current token is kept; the fleet is told how long to leave the provider alone.
Task<> RefreshLoop::fetch_failed(const SourceError& failure) {
  ++status_.fetch_failures;
  ++status_.consecutive_failures;
  status_.last_error = failure.what();
  status_.last_error_at = parts_.timers.clock().wall_now();

  const bool permanent = failure.kind() == SourceError::Kind::permanent;
  Duration pause = fetch_backoff_.next();
  if (permanent) pause = config_.refresh.retry_permanent;
  if (failure.retry_after()) pause = std::max(pause, *failure.retry_after());
  const auto retry_ms = to_ms(pause).count();
  if (permanent) {
    log::error("fetch failed and will not get better by itself", {{"token", config_.name},
                                                                  {"source", parts_.source.describe()},
                                                                  {"error", failure.what()},
                                                                  {"retry_in_ms", retry_ms}});
  } else {
    log::warning("fetch failed", {{"token", config_.name},
                                  {"source", parts_.source.describe()},
                                  {"error", failure.what()},
                                  {"retry_in_ms", retry_ms}});
  }
  Pause shared{now() + pause, failure.what()};
  hold_for_pause(shared);
  try {
    co_await parts_.coordinator.pause(config_.name, std::move(shared));
  } catch (const TransportError& e) {
    coordinator_failed("share the pause", e);
  }
}

// Reads the published record: at the start, after messages may have been missed, and now and then in case one was.
Task<> RefreshLoop::reload() {
  reload_wanted_ = false;
  const bool waiting = holds_.claimed_until() > now();
  const Duration interval = waiting ? waiting_poll : quiet_poll;
  next_poll_ = now() + interval + std::chrono::duration_cast<Duration>(interval * 0.2 * parts_.random.uniform());
  try {
    auto published = co_await parts_.coordinator.load(config_.name);
    coordinator_answered();
    const Generation theirs = published ? published->generation : 0;
    if (published) take(std::move(*published));
    // A store that lost data gets the newest record back, by whoever of the fleet draws the shortest delay.
    const bool lost = current_.valid() && theirs < current_.generation();
    repair_at_ = lost ? now() + draw_suppressed_delay(milliseconds(500), parts_.random) : BootTime::max();
  } catch (const TransportError& e) {
    coordinator_failed("load the published token", e);
    next_poll_ = holds_.unreachable_until();
  }
}

Task<> RefreshLoop::repair() {
  repair_at_ = BootTime::max();
  if (!current_.valid()) co_return;
  try {
    const Record record = *current_.record();
    const Lease no_lease;  // named: GCC 12 destroys an aggregate temporary inside co_await twice
    const PublishResult result = co_await parts_.coordinator.publish(config_.name, record, no_lease);
    if (result.stored) {
      log::warning("coordinator had lost the token; published it again from this host's segment",
                   {{"token", config_.name}, {"generation", record.generation}});
    } else if (result.current) {
      take(*result.current);
    }
  } catch (const TransportError& e) {
    coordinator_failed("give the token back", e);
  }
}

void RefreshLoop::coordinator_answered() {
  reach_backoff_.reset();
  if (coordinator_was_reachable_) return;
  coordinator_was_reachable_ = true;
  log::info("coordinator reached again", {{"token", config_.name}});
  if (status_.consecutive_failures == 0) status_.last_error.clear();
}

void RefreshLoop::coordinator_failed(const std::string& doing, const TransportError& failure) {
  holds_.unreachable(now() + reach_backoff_.next());
  status_.last_error = "cannot " + doing + ": " + failure.what();
  status_.last_error_at = parts_.timers.clock().wall_now();
  if (coordinator_was_reachable_) {
    coordinator_was_reachable_ = false;
    log::warning("cannot " + doing + "; tokens stay readable, nothing is fetched meanwhile",
                 {{"token", config_.name}, {"error", failure.what()}});
  }
}

// A record as new as ours or newer settles every claim that was heard before it.
void RefreshLoop::take(Record record) {
  const Generation before = current_.generation();
  try {
    const bool accepted = current_.accept(std::move(record));
    wipe_registers();
    if (!accepted) return;
  } catch (const Error& e) {
    status_.last_error = e.what();
    status_.last_error_at = parts_.timers.clock().wall_now();
    log::error("cannot write the segment", {{"token", config_.name}, {"error", e.what()}});
  }
  holds_.end_claim();
  repair_at_ = BootTime::max();
  if (current_.generation() > before) {
    holds_.end_pause();
    fetch_backoff_.reset();
    status_.consecutive_failures = 0;
    status_.last_error.clear();
    became_due();
  }
}

// Draws anew when a valid token was lost or won; until_due() then computes its deadlines again.
void RefreshLoop::became_due() {
  missing_due_ = now() + std::chrono::duration_cast<Duration>(cold_start_spread * parts_.random.uniform());
  wake_.notify();
  parts_.changed.notify();
}

BootTime RefreshLoop::scheduled_at() const { return current_.refresh_due().value_or(missing_due_); }

BootTime RefreshLoop::due_at() const { return std::max(scheduled_at(), holds_.latest()); }

void RefreshLoop::hold_for_pause(const Pause& pause) {
  if (!holds_.pause(pause.until)) return;
  status_.pause_reason = pause.reason;
  wake_.notify();
  parts_.changed.notify();
}

void RefreshLoop::set_phase(RefreshPhase phase) {
  if (status_.phase == phase) return;
  status_.phase = phase;
  parts_.changed.notify();
}

void RefreshLoop::clock_stepped() {
  current_.reschedule();
  reload_wanted_ = true;
  wake_.notify();
}

void RefreshLoop::on_record(Record record) { take(std::move(record)); }

void RefreshLoop::on_claim(BootTime until) {
  if (status_.holds_lock) return;
  // No claim lasts longer than a lock does without renewal, whatever a message on the channel says.
  const BootTime longest = now() + lock_ttl_;
  holds_.claim(std::min(until, longest));
  wake_.notify();
}

void RefreshLoop::on_release() {
  holds_.end_claim();
  wake_.notify();
}

// Another agent's failure is the fleet's: the next backoff of this agent goes on from there.
void RefreshLoop::on_pause(Pause pause) {
  const BootTime before = holds_.paused_until();
  hold_for_pause(pause);
  if (holds_.paused_until() > before) fetch_backoff_.count_failure();
}

void RefreshLoop::on_gap() {
  reload_wanted_ = true;
  wake_.notify();
}

TokenStatus RefreshLoop::status() const {
  TokenStatus status = status_;
  status.name = config_.name;
  status.source = parts_.source.describe();
  current_.describe(status);
  if (const Duration left = holds_.paused_until() - now(); left > Duration{0}) {
    status.paused_until = parts_.timers.clock().wall_now() + to_ms(left);
  } else {
    status.pause_reason.clear();
  }
  return status;
}

}  // namespace jeton::agent
