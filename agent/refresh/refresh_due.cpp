// RefreshLoop, beside its steps (refresh_loop.cpp): when a refresh is due, and what holds it back.
#include <algorithm>
#include <chrono>

#include "agent/refresh/refresh_loop.hpp"

namespace jeton::agent {
namespace {

// Without a valid token nobody waits for the spread.
constexpr Duration cold_start_spread = std::chrono::milliseconds(5);
// Of a token that another host is fetching, when this one may fetch alone.
constexpr Duration last_seconds = std::chrono::seconds(5);
constexpr Duration look_again = std::chrono::seconds(1);

// Longer than what passes for the echo of a pause (holds.hpp), which holds nobody: a call that is refused for a few
// milliseconds more would be asked for again and again meanwhile.
constexpr Duration shortest_hold = std::chrono::milliseconds(25);

// No coordinator keeps a pause for longer.
constexpr Duration until_a_person_acts = std::chrono::hours(24 * 7);

}  // namespace

// Draws anew when a valid token was lost or won; until_due() then computes its deadlines again.
void RefreshLoop::became_due() {
  missing_due_ = now() + std::chrono::duration_cast<Duration>(cold_start_spread * parts_.random.uniform());
  wake_.notify();
  parts_.changed.notify();
}

BootTime RefreshLoop::scheduled_at() const {
  const BootTime scheduled = current_.refresh_due().value_or(missing_due_);
  return demanded() ? std::min(scheduled, demand_.due()) : scheduled;
}

BootTime RefreshLoop::due_at() const { return std::max(scheduled_at(), holds_.latest(demanded())); }

// The token that the source uses and that is not valid now; empty: a fetch makes sense.
std::string RefreshLoop::missing_prerequisite() const {
  for (const std::string& name : config_.uses) {
    if (parts_.tokens == nullptr || !parts_.tokens->token_value(name)) return name;
  }
  return {};
}

// The reserve of the budget is not for the schedule; alone this host has its own share of it.
FetchLimits RefreshLoop::limits(const Coordinator& from) const {
  const BudgetConfig& budget = config_.budget;
  if (budget.calls == 0) return {config_.refresh.min_interval, 0, budget.per};
  const std::uint64_t schedule = demanded() ? budget.calls : budget.calls - budget.reserve;
  if (&from == parts_.alone) return {config_.refresh.min_interval, budget.alone, budget.per};
  FetchLimits limits{config_.refresh.min_interval, schedule, budget.per};
  if (usage_.window_end > now()) {
    limits.known_calls = usage_.calls;
    limits.known_window_left = *usage_.window_end - now();
  }
  return limits;
}

// Until when an admission would be refused, as far as this host knows.
BootTime RefreshLoop::budget_spent_until() const {
  const std::uint64_t calls = config_.budget.calls;
  if (calls == 0) return {};
  BootTime until{};
  if (usage_.calls >= calls && usage_.window_end) until = *usage_.window_end;
  if (heard_usage_.calls >= calls) until = std::max(until, next_poll_);
  return until;
}

void RefreshLoop::not_admitted(const Admission& refusal, const FetchLimits& allowed) {
  const FetchRefusal why = refusal.refusal.value();
  journal_.not_admitted(why, refusal.retry_at - now());
  if (allowed.budget > 0 && allowed.budget < config_.budget.calls && why == FetchRefusal::budget) {
    holds_.spent(refusal.retry_at);
    journal_.paused(std::string(name_of(why)));
    wake_.notify();
  } else {
    hold_for_pause(Pause{std::max(refusal.retry_at, now() + shortest_hold), std::string(name_of(why)), {}});
  }
}

Duration RefreshLoop::pause_after(const SourceError& failure) {
  Duration pause = fetch_backoff_.next();
  // Only a person can help: another request would end the chain of refresh tokens.
  if (failure.spent()) return until_a_person_acts;
  if (failure.kind() == SourceError::Kind::permanent) pause = config_.refresh.retry_permanent;
  if (!failure.retry_after()) return pause;
  std::optional<Milliseconds> left;
  if (current_.record()) left = current_.record()->expires_at - parts_.timers.clock().wall_now();
  const Milliseconds asked = to_ms(*failure.retry_after());
  return std::max<Duration>(pause, obeyed_retry_after(asked, left, current_.grace(), config_.refresh));
}

void RefreshLoop::hold_for_pause(const Pause& pause) {
  if (!holds_.pause(pause.until, pause.request)) return;
  mend_check_at_ = pause.request.empty() ? BootTime::max() : now();
  journal_.paused(pause.reason);
  wake_.notify();
}

void RefreshLoop::hold_for_known_pause(const Pause& pause) {
  known_pause_ = pause;
  hold_for_pause(pause);
}

void RefreshLoop::end_pause() {
  holds_.end_pause();
  known_pause_.reset();
  mend_check_at_ = BootTime::max();
}

// Not by a refresh token: one on two hosts is a theft to the provider.
bool RefreshLoop::may_fetch_alone() const { return parts_.alone != nullptr && !keeps_state(config_.source); }

// When this host fetches alone: in an outage, when the token is about to run out, and never in a short failure of the
// network at the start of the agent. Never, while the coordinator has not just failed: it is asked first. The claims of
// other hosts do not count, because what they fetch cannot be published.
BootTime RefreshLoop::alone_at() const {
  if (!may_fetch_alone() || !outage_since_ || now() >= holds_.unreachable_until()) return BootTime::max();
  BootTime runs_out = *outage_since_ + parts_.fetch_alone;
  if (current_.valid()) {
    runs_out = boot_time_of(current_.record()->expires_at, parts_.timers.clock()) - parts_.fetch_alone;
  }
  return std::max({runs_out, scheduled_at(), holds_.latest_alone(demanded())});
}

// Another host is at it. No claim lasts longer than a lock does without renewal, whatever a message says; and a client
// of another kind, which may take the lock for hours, tells nobody when it gives it back early. If the coordinator has
// begun to refuse writes, that host can neither publish nor give its lock back, and only an attempt to take the lock
// shows it: the last seconds of a token are not spent waiting.
void RefreshLoop::hold_for_claim(BootTime until) {
  const BootTime longest = now() + lock_ttl_;
  until = std::min(until, longest);
  if (may_fetch_alone() && current_.valid()) {
    const BootTime last_looks = boot_time_of(current_.record()->expires_at, parts_.timers.clock()) - last_seconds;
    until = std::min(until, std::max(last_looks, now() + look_again));
  }
  holds_.claim(until);
}

}  // namespace jeton::agent
