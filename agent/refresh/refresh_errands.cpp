// RefreshLoop, beside its steps (refresh_loop.cpp): its errands while it waits. What it hears: refresh_signals.cpp.
#include <algorithm>
#include <utility>

#include "agent/base/log.hpp"
#include "agent/refresh/refresh_loop.hpp"

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration quiet_poll = seconds(30);  // fallbacks for lost messages
constexpr Duration waiting_poll = seconds(1);
constexpr Duration mend_poll = seconds(5);  // of a secret that a pause waits for

// No count and no window is larger than the configured one, whatever is stored.
FetchUsage within(const BudgetConfig& budget, FetchUsage usage, BootTime now) {
  if (budget.calls > 0) usage.calls = std::min(usage.calls, budget.calls);
  if (usage.window_end) usage.window_end = std::min(*usage.window_end, now + budget.per);
  return usage;
}

}  // namespace

// 6. A pause for a request that will not succeed, or not for long, ends when this host would send another one: somebody
// has mended the secret or the configuration. A request that failed from here is not tried again for that.
Task<> RefreshLoop::resume_if_mended() {
  mend_check_at_ = holds_.paused_until() > now() ? now() + mend_poll : BootTime::max();
  const std::string request = request_now();
  if (request.empty() || request == holds_.pause_request() || request == failed_request_) co_return;
  try {
    co_await parts_.coordinator.resume(config_.name);
    coordinator_answered(Step::upkeep);
    on_resume();
    journal_.resumed("the request is not the one that was refused");
  } catch (const TransportError& e) {
    coordinator_failed(Step::upkeep, "lift the pause", e);
  }
}

// A new token is wanted although the fleet is held back: an operator asks, or the source is another one now. The pause
// of a fetch without the coordinator is this host's own.
Task<> RefreshLoop::lift_pause() {
  lift_at_ = BootTime::max();
  end_pause();
  holds_.alone({});
  failed_request_.clear();
  try {
    if (parts_.alone != nullptr) co_await parts_.alone->resume(config_.name);
  } catch (const TransportError& e) {
    journal_.alone_refused(e.what());
  }
  try {
    co_await parts_.coordinator.resume(config_.name);
    coordinator_answered(Step::upkeep);
    if (*lift_reason_ != '\0') journal_.resumed(lift_reason_);
  } catch (const TransportError& e) {
    coordinator_failed(Step::upkeep, "lift the pause", e);
    // Behind the moment at which a refresh that is due may be tried: no errand may starve it.
    lift_at_ = holds_.unreachable_until() + waiting_poll;
  }
}

// Reads the published record: at the start, after messages may have been missed, and now and then in case one was.
Task<> RefreshLoop::reload() {
  const bool after_gap = std::exchange(reload_wanted_, false);
  const bool waiting = holds_.claimed_until() > now();
  const Duration interval = waiting ? waiting_poll : quiet_poll;
  next_poll_ = now() + interval + std::chrono::duration_cast<Duration>(interval * 0.2 * parts_.random.uniform());
  // Before the look, not after it: a loss may be told while the answers come in.
  const bool told_of_loss = std::exchange(repair_at_, BootTime::max()) != BootTime::max();
  // A message may bring a newer record before this answer, which is then older and not a loss.
  const Generation known = current_.generation();
  try {
    auto published = co_await parts_.coordinator.load(config_.name);
    const Generation theirs = published ? published->generation : 0;
    if (published) take_stored(std::move(*published));
    coordinator_answered(Step::load);
    // A store that lost data gets the newest record back, by whoever of the fleet draws the shortest delay.
    if (theirs < known && can_give_back() && (after_gap || current_.valid())) on_lost();
    // What it lost with the record it does not know: it gets this host's word, not the other way round.
    const bool lost = repair_at_ != BootTime::max();
    if (!lost && (config_.budget.calls > 0 || holds_.paused_until() > now()))
      co_await ask_usage(after_gap || told_of_loss);
  } catch (const TransportError& e) {
    coordinator_failed(Step::load, "load the published token", e);
    // Behind the moment at which a refresh that is due may be tried: no errand may starve it.
    next_poll_ = holds_.unreachable_until() + waiting_poll;
  }
}

// What this host heard of budget and pause is what the coordinator said then: an operator may have lifted the pause
// since, or somebody else have made it up.
Task<> RefreshLoop::ask_usage(bool may_be_lost) {
  FetchUsage usage;
  try {
    usage = co_await parts_.coordinator.usage(config_.name);
  } catch (const TransportError& e) {
    log::debug("the count of fetches cannot be read", {{"token", config_.name}, {"error", e.what()}});
    co_return;
  }
  if (may_be_lost && usage.calls < usage_.calls && usage_.window_end > now()) {
    // The store has forgotten it.
    on_lost();
    co_return;
  }
  note_usage(usage);
  const BudgetConfig& budget = config_.budget;
  const bool by_schedule = holds_.spent_until() > now();
  const std::uint64_t allowed = by_schedule ? budget.calls - budget.reserve : budget.calls;
  const bool spent = allowed > 0 && usage.calls >= allowed;
  const bool held = by_schedule || holds_.paused_until() > now();
  if (held && !usage.paused && !spent && pause_shared_) {
    end_pause();
    journal_.resumed("the coordinator knows of no pause");
  }
}

// Against a budget, in a window that runs.
bool RefreshLoop::counts_calls() const {
  return config_.budget.calls > 0 && usage_.calls > 0 && usage_.window_end > now();
}

bool RefreshLoop::knows_pause() const { return known_pause_ && known_pause_->until > now(); }

// What was lost with it may be known to this host alone.
bool RefreshLoop::knows_more_than_the_record() const { return counts_calls() || knows_pause(); }

// An answer of the coordinator: what a lost count is made good from.
void RefreshLoop::note_usage(FetchUsage usage) {
  usage_ = within(config_.budget, usage, now());
  heard_usage_ = {};
  show_usage(usage_);
}

void RefreshLoop::show_usage(const FetchUsage& usage) {
  const Duration left = usage.window_end ? *usage.window_end - now() : Duration{0};
  journal_.usage(usage, parts_.timers.clock().wall_now() + to_ms(left));
}

void RefreshLoop::on_usage(FetchUsage usage) {
  heard_usage_ = within(config_.budget, usage, now());
  show_usage(heard_usage_);
}

// What the coordinator lost and this host still knows. The counts come before the record, so that no host is admitted
// without them, and once more behind it: should all be lost again meanwhile, a later look would find nothing missing.
Task<> RefreshLoop::repair() {
  repair_at_ = BootTime::max();
  try {
    co_await give_counts_back();
    if (can_give_back()) {
      co_await give_record_back();
      co_await give_counts_back();
    }
    coordinator_answered(Step::upkeep);
  } catch (const TransportError& e) {
    coordinator_failed(Step::upkeep, "give back what the coordinator lost", e);
    // Behind the moment at which a refresh that is due may be tried: no errand may starve it.
    repair_at_ = holds_.unreachable_until() + waiting_poll;
  }
}

// The calls that count against the budget, and the pause. Neither lowers a value that the coordinator has.
Task<> RefreshLoop::give_counts_back() {
  if (counts_calls()) {
    const FetchUsage known = usage_;
    co_await parts_.coordinator.restore_usage(config_.name, known, config_.budget.per);
  }
  if (knows_pause()) {
    Pause pause = *known_pause_;
    co_await parts_.coordinator.pause(config_.name, std::move(pause));
  }
}

Task<> RefreshLoop::give_record_back() {
  const Record record = *current_.record();
  const bool was_stored = record.generation <= in_store_;  // this publication may be heard before its answer
  const Lease no_lease;  // named: GCC 12 destroys an aggregate temporary inside co_await twice
  const PublishResult result = co_await parts_.coordinator.publish(config_.name, record, no_lease);
  coordinator_answered(result.stored && !result.current ? Step::publish : Step::upkeep);
  if (result.current) {
    take_stored(*result.current);
  } else if (result.stored) {
    journal_.repaired(record, was_stored);
    in_store_ = std::max(in_store_, record.generation);
  }
}

// The fleet's other users learn of it before the new token comes; if this host does not live to fetch that, another
// does.
Task<> RefreshLoop::announce_rejection() {
  const Generation generation = std::exchange(announce_rejected_, 0);
  try {
    co_await parts_.coordinator.announce_rejection(config_.name, generation);
  } catch (const TransportError& e) {
    log::debug("the fleet cannot be told of a rejection", {{"token", config_.name}, {"error", e.what()}});
  }
}

void RefreshLoop::coordinator_answered(Step step) {
  if (!outage_since_ || step < failing_step_) return;
  outage_since_.reset();
  reach_backoff_.reset();
  journal_.coordinator_answered();
}

void RefreshLoop::coordinator_failed(Step step, const std::string& doing, const TransportError& failure) {
  const bool begins = !outage_since_;
  if (begins) outage_since_ = now();
  failing_step_ = begins ? step : std::max(failing_step_, step);
  holds_.unreachable(now() + reach_backoff_.next());
  journal_.coordinator_failed(doing, failure, begins);
}

void RefreshLoop::take_stored(Record record) {
  in_store_ = std::max(in_store_, record.generation);
  take(std::move(record));
}

// A record as new as ours or newer settles every claim that was heard before it.
void RefreshLoop::take(Record record) {
  const Generation before = current_.generation();
  const Generation offered = record.generation;
  // Also of one that is known: what the segment of an earlier run lacks stands in the published record.
  if (parts_.on_current && offered >= before) parts_.on_current(record);
  // A new state alone, and the token that was refused, are no success.
  const bool same_token = current_.record() && current_.record()->value == record.value;
  const bool state_only = only_carries_state(record);
  const bool success = record.valid(parts_.timers.clock()) && !state_only;
  const bool refused_again = same_token && current_.rejected();
  try {
    const bool accepted = current_.accept(std::move(record));
    wipe_registers();
    if (!accepted) {
      journal_.record_older(offered);
      return;
    }
  } catch (const Error& e) {
    journal_.segment_failed(e);
  }
  keep(*current_.record());
  holds_.end_claim();
  if (current_.generation() > before) {
    if (state_only) demand_.follow(before, current_.generation());
    if (!knows_more_than_the_record()) repair_at_ = BootTime::max();
    end_pause();
    failed_request_.clear();
    if (success) fetch_backoff_.reset();
    // Another host could publish, so this one need not do so before its trouble is over.
    if (current_.record()->fetched_by != parts_.host) failing_step_ = Step::load;
    if (success && !refused_again) journal_.renewed(*current_.record());
    if (success && refused_again) journal_.given_again(*current_.record());
    if (refused_again) mark_rejected();
    became_due();
  }
}

}  // namespace jeton::agent
