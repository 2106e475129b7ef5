#include "agent/refresh/refresh_loop.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/refresh/lease_keeper.hpp"
#include "agent/refresh/whole_fetch.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration prerequisite_poll = seconds(1);  // of another token; it also wakes us when it is renewed
constexpr Duration publish_patience = seconds(5);   // with the lock
constexpr Duration alone_retry = seconds(1);        // of this host's own lock and files
constexpr BackoffLimits reach_limits{milliseconds(250), seconds(2), milliseconds(50)};

SourceError ran_out_before(SecretString state) {
  SourceError failure(SourceError::Kind::transient,
                      "the source gives a token again that has run out: by its date it would be valid, but this host's "
                      "clock was set back since it was new; correct the clock, or have the source give a new one");
  failure.set_state(std::move(state));
  return failure;
}

}  // namespace

RefreshLoop::RefreshLoop(TokenConfig config, Milliseconds lock_ttl, Parts parts)
    : config_(std::move(config)),
      lock_ttl_(lock_ttl),
      parts_(std::move(parts)),
      journal_(config_, parts_.source, parts_.timers.clock(), parts_.changed, parts_.host),
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
    co_await until_due();  // 2. Quiet, 3. Grace; 5. a loser waits here too
    auto held = co_await try_lock();
    if (held) {  // 4. Winner
      co_await refresh_under(std::move(*held));
    }
  }
}

// 1. What is valid already is served at once: the segment of an earlier run, then the published record. Subscribing
// comes before loading, so that nothing published in between is missed.
Task<> RefreshLoop::start() {
  current_.adopt();
  if (current_.record()) {
    if (!current_.record()->blank()) journal_.adopted(*current_.record());
    if (parts_.on_current) parts_.on_current(*current_.record());
  }
  adopt_kept();
  if (current_.rejected())
    demand(Demand::Reason::rejected);  // the agent before us was told and did not live to mend it
  if (parts_.refresh_is_asked) static_cast<void>(refresh_now());
  became_due();
  parts_.coordinator.configure(config_.name, {config_.lock, config_.mirror_key});
  parts_.coordinator.subscribe(config_.name, this);
  parts_.source.on_change([this] { source_changed(); });
  co_await reload();
  if (current_.rejected()) demand(Demand::Reason::rejected);  // also as it was published since
}

// 2. and 3. One wait for everything: the schedule with its spread, claims and pauses of others, the poll. Whatever
// arrives meanwhile changes the state and wakes us; the deadlines are computed anew each time.
Task<> RefreshLoop::until_due() {
  for (;;) {
    const BootTime present = now();
    // No errand comes before a token that runs out: each may wait for its timeout, and fail again and again.
    if (present >= alone_at() && missing_prerequisite().empty()) co_return;
    if (reload_wanted_ || present >= next_poll_) {
      co_await reload();
      continue;
    }
    if (present >= repair_at_) {
      co_await repair();
      continue;
    }
    if (present >= lift_at_) {
      co_await lift_pause();
      continue;
    }
    if (present >= mend_check_at_) {
      co_await resume_if_mended();
      continue;
    }
    if (announce_rejected_ != 0) {
      co_await announce_rejection();
      continue;
    }
    BootTime due = std::min(due_at(), alone_at());
    if (present >= due) {
      const std::string missing = missing_prerequisite();
      journal_.waits_for(missing);
      if (missing.empty()) co_return;
      due = present + prerequisite_poll;
    }
    journal_.phase(holds_.phase(present, demanded()));
    const BootTime errand = std::min({next_poll_, repair_at_, mend_check_at_, lift_at_});
    const BootTime wake_at = std::min(due, errand);
    co_await wake_.wait_until(wake_at);
  }
}

// 4a. The lock, and with it the record: someone may have been faster.
Task<std::optional<RefreshLoop::Held>> RefreshLoop::try_lock() {
  journal_.phase(RefreshPhase::acquiring);
  if (now() >= alone_at()) co_return co_await try_lock_alone();
  journal_.trying_lock();
  AcquireResult result;
  try {
    result = co_await parts_.coordinator.try_acquire(config_.name, lock_ttl_);
    coordinator_answered(Step::lock);
  } catch (const TransportError& e) {
    coordinator_failed(Step::lock, "take the updater lock", e);
    co_return std::nullopt;
  }
  const Generation known = current_.generation();
  if (result.current) take_stored(std::move(*result.current));
  if (result.pause) hold_for_known_pause(*result.pause);
  journal_.lock_trouble(result.trouble);
  journal_.lock_holder(result.holder);
  if (!result.lease) {
    if (!result.pause && current_.generation() == known) hold_for_claim(result.busy_until);
    co_return std::nullopt;
  }
  journal_.lock_won(result.lease->fence, false);
  co_return Held{std::move(*result.lease), &parts_.coordinator};
}

// 4a in an outage, if the configuration allows it: this host's own lock and its own share of the budget. The
// coordinator has just failed, and is asked again when the host holds no lock of its own.
Task<std::optional<RefreshLoop::Held>> RefreshLoop::try_lock_alone() {
  AcquireResult result;
  try {
    result = co_await parts_.alone->try_acquire(config_.name, lock_ttl_);
  } catch (const TransportError& e) {
    alone_failed(e);
    co_return std::nullopt;
  }
  if (result.current) take(std::move(*result.current));
  if (!result.lease) {
    holds_.alone(result.pause ? result.pause->until : now() + alone_retry);
    co_return std::nullopt;
  }
  journal_.lock_won(result.lease->fence, true);
  co_return Held{std::move(*result.lease), parts_.alone};
}

// 4b. Admission, fetch while the lock is renewed, publication; the lock is given back whatever happens.
Task<> RefreshLoop::refresh_under(Held held) {
  Coordinator& from = *held.from;
  const Generation generation = current_.next_generation(held.lease.fence);
  const bool rejected = current_.record() && demand_.is_rejection(current_.generation());
  Fetched fetched;
  LeaseKeeper keeper(from, parts_.timers, config_.name, std::move(held.lease));
  try {
    const bool someone_was_faster = scheduled_at() > now();
    if (!someone_was_faster) fetched = co_await fetch_under(keeper, from);
  } catch (const boost::system::system_error&) {
    fetched.cancelled = true;
  }
  keeper.end_fetch();
  if (fetched.cancelled) {
    // The agent stops. The lock is still given back, so that another host need not wait for its TTL.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  }
  bool settled = false;
  std::optional<Record> record;
  if (fetched.token) {
    JETON_FAILPOINT("refresh.fetched");
    const bool is_dated = fetched.token->dated_end.has_value();
    record = current_.successor(std::move(*fetched.token), generation, parts_.host);
    record->rejections = rejections_of(*record, rejected);
    if (is_dated && !record->valid(parts_.timers.clock())) {
      fetched.failure = ran_out_before(std::move(record->state));
      record.reset();
    }
  }
  if (fetched.failure && !fetched.failure->state().empty()) record = with_state(fetched.failure->state(), generation);
  if (record) {
    keep(*record);
    JETON_FAILPOINT("refresh.kept");
    settled = co_await publish(std::move(*record), keeper.lease(), from);
  }
  if (fetched.failure) {
    keep_unread(*fetched.failure);
    co_await fetch_failed(*fetched.failure, from);
  }
  if (!settled) co_await give_back(keeper.lease(), from);
  const bool cancelled = fetched.cancelled;
  fetched = {};
  wipe_registers();
  holds_.end_claim();  // our own, should we have heard it before the answer to try_acquire
  journal_.lock_given_back();
  if (cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

// 4c. The call to the provider, counted against min_interval and budget before it is made.
Task<RefreshLoop::Fetched> RefreshLoop::fetch_under(LeaseKeeper& keeper, Coordinator& from) {
  Fetched fetched;
  const SecretString used = current_.record() ? current_.record()->state : SecretString{};
  try {
    const FetchLimits allowed = limits(from);
    const Admission admission = co_await admit(keeper.lease(), allowed, from);
    if (!admission.admitted()) {
      if (&from == parts_.alone) {
        holds_.alone(admission.retry_at);
        journal_.alone_refused(std::string(name_of(*admission.refusal)));
      } else {
        not_admitted(admission, allowed);
      }
      co_return fetched;
    }
    journal_.fetching();
    keeper.begin_fetch(longest_fetch(config_.source));
    JETON_FAILPOINT("refresh.fetch");
    FetchContext context{used, std::exchange(by_operator_, false)};
    if (keeps_state(config_.source)) {
      fetched.token = co_await fetch_wholly(parts_.timers, parts_.source, std::move(context), fetched.cancelled);
    } else {
      fetched.token = co_await parts_.source.fetch(std::move(context));
    }
  } catch (const SourceError& e) {
    fetched.failure = e;
    fetched.failure->set_request(request_with(e.request(), e.state().empty() ? used : e.state()));
  } catch (const TransportError& e) {
    if (&from == parts_.alone) {
      alone_failed(e);
    } else {
      coordinator_failed(Step::admit, "ask for admission", e);
    }
  }
  co_return fetched;
}

// A message that says that the budget is spent holds this host back until the next look: if the coordinator has lost
// the count since, that tells it. The message is never counted with, because anybody may have sent it.
Task<Admission> RefreshLoop::admit(const Lease& lease, const FetchLimits& allowed, Coordinator& from) {
  Admission admission;
  if (&from != parts_.alone && allowed.budget > 0 && heard_usage_.calls >= allowed.budget && next_poll_ > now()) {
    admission.refusal = FetchRefusal::budget;
    admission.retry_at = next_poll_;
    co_return admission;
  }
  admission = co_await from.admit(config_.name, lease, allowed);
  if (&from == parts_.alone) co_return admission;
  coordinator_answered(Step::admit);
  if (admission.admitted()) {
    note_usage({admission.calls_used, admission.window_end});
  } else if (admission.refusal == FetchRefusal::budget) {
    note_usage({admission.calls_used, admission.retry_at});
  }
  co_return admission;
}

// 4d. Publishes by the fence. A token that was fetched may be the only valid one: if the coordinator cannot be reached
// this host serves it, and the publication is tried until it is stored, refused or worthless. The lock is kept for that
// only if another fetch would do harm (one refresh token on two hosts): else others may try, and this host goes on as
// with a token that the coordinator has lost.
Task<bool> RefreshLoop::publish(Record record, const Lease& lease, Coordinator& from) {
  journal_.phase(RefreshPhase::publishing);
  const bool state_only = only_carries_state(record);
  const bool keeps_lock = keeps_state(config_.source);
  const BootTime give_up_at = keeps_lock ? BootTime::max() : now() + publish_patience;
  for (;;) {
    try {
      PublishResult result = co_await from.publish(config_.name, record, lease);
      if (&from != parts_.alone) coordinator_answered(Step::publish);
      if (result.stored) {
        if (!state_only) journal_.published(record, &from == parts_.alone);
        if (&from != parts_.alone) in_store_ = std::max(in_store_, record.generation);
        take(std::move(record));
      } else {
        journal_.publication_refused(record, result.current ? result.current->generation : 0);
        if (result.current) take(std::move(*result.current));
      }
      co_return true;
    } catch (const TransportError& e) {
      if (&from == parts_.alone) {
        alone_failed(e);
      } else {
        coordinator_failed(Step::publish, "publish the fetched token", e);
      }
    }
    take(record);
    if (&from == parts_.alone) co_return false;  // this host is the only one that has to know it
    if (!record.valid(parts_.timers.clock()) || current_.generation() > record.generation) {
      co_return keeps_lock;
    }
    const BootTime others_may = std::min(give_up_at, alone_at());
    if (now() >= others_may) {
      repair_at_ = holds_.unreachable_until();
      co_return false;
    }
    co_await sleep_until(parts_.timers, std::min(holds_.unreachable_until(), others_may));
    current_.bind(record);
  }
}

Task<> RefreshLoop::give_back(const Lease& lease, Coordinator& from) {
  try {
    co_await from.release(config_.name, lease);
  } catch (const TransportError& e) {
    log::warning("the updater lock could not be given back: others wait until it expires",
                 {{"token", config_.name}, {"fence", lease.fence}, {"error", e.what()}});
  }
}

// 6. The current token is kept; the fleet is told how long to leave the provider alone.
Task<> RefreshLoop::fetch_failed(const SourceError& failure, Coordinator& from) {
  const bool permanent = failure.kind() == SourceError::Kind::permanent;
  const Duration pause = pause_after(failure);
  journal_.fetch_failed(failure, pause);
  // Who would send another request need not wait so long.
  const bool is_long = permanent || pause > config_.refresh.retry_max;
  failed_request_ = is_long ? failure.request() : std::string{};
  Pause shared{now() + pause, failure.what(), failed_request_};
  hold_for_known_pause(shared);
  pause_shared_ = false;
  try {
    co_await from.pause(config_.name, std::move(shared));
    pause_shared_ = true;
  } catch (const TransportError& e) {
    if (&from == parts_.alone) {
      alone_failed(e);
    } else {
      coordinator_failed(Step::upkeep, "share the pause", e);
    }
  }
}

void RefreshLoop::alone_failed(const TransportError& failure) {
  holds_.alone(now() + alone_retry);
  journal_.alone_refused(failure.what());
}

std::optional<SecretString> RefreshLoop::value() const {
  return current_.valid() ? std::optional(current_.record()->value) : std::nullopt;
}

TokenStatus RefreshLoop::status() const {
  TokenStatus status = journal_.status();
  status.name = config_.name;
  status.source = parts_.source.describe();
  status.calls_allowed = config_.budget.calls;
  status.calls_reserved = config_.budget.reserve;
  current_.describe(status);
  const BootTime held_until = std::max(holds_.paused_until(), holds_.spent_until());
  if (const Duration left = held_until - now(); left > Duration{0}) {
    status.paused_until = parts_.timers.clock().wall_now() + to_ms(left);
  } else {
    status.pause_reason.clear();
  }
  return status;
}

}  // namespace jeton::agent
