#include "agent/refresh/fleet_view.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration longest_spread = milliseconds(200);
constexpr Duration echo_tolerance = milliseconds(20);
// The last time of a token in which a host that may make a standalone fetch does not wait for another host's fetch.
constexpr Duration last_seconds = seconds(5);
constexpr Duration look_again = seconds(1);

}  // namespace

FleetView::FleetView(const TokenConfig& config, Milliseconds lock_ttl, const Clock& clock, Random& random,
                     const CurrentToken& current, bool standalone)
    : config_(config),
      lock_ttl_(lock_ttl),
      clock_(clock),
      random_(random),
      current_(current),
      standalone_(standalone) {}

// No claim lasts longer than a lock does without renewal, whatever a message says; and a client of another kind, which
// may take the lock for hours, announces no early release. If the coordinator has begun to refuse writes, the holder
// can neither publish nor release its lock, and only an attempt to take the lock shows it: the last seconds of a token
// are not spent waiting.
BootTime FleetView::end_of_claim(BootTime until) const {
  const BootTime now = clock_.boot_now();
  until = std::min<BootTime>(until, now + lock_ttl_);
  if (standalone_ && current_.valid()) {
    const BootTime last_looks = boot_time_of(current_.record()->expires_at, clock_) - last_seconds;
    until = std::min(until, std::max(last_looks, now + look_again));
  }
  return spread(until);
}

void FleetView::claim(BootTime until) { claimed_until_ = std::max(claimed_until_, end_of_claim(until)); }

void FleetView::hear_claim(BootTime until) {
  if (!lock_is_ours_) heard_claim_until_ = std::max(heard_claim_until_, end_of_claim(until));
}

void FleetView::mark_claim_unconfirmed() {
  heard_claim_until_ = claimed_until();
  claimed_until_ = {};
}

void FleetView::lock_released() {
  lock_is_ours_ = false;
  end_claim();  // our own, should we have heard it before the answer to try_acquire
}

bool FleetView::pause(const Pause& pause) {
  if (pause.until <= paused_until_ + echo_tolerance) return false;
  paused_until_ = spread(pause.until);
  pause_request_ = pause.request;
  pause_reason_ = pause.reason;
  return true;
}

void FleetView::note_budget_spent(BootTime until, const std::string& reason) {
  spent_until_ = spread(until);
  pause_reason_ = reason;
}

void FleetView::note_usage(const FetchUsage& usage, BootTime asked_at) {
  counted_ = within_budget(usage);
  if (heard_at_ <= asked_at || heard_.calls <= counted_.calls) heard_ = {};
}

void FleetView::note_heard_usage(const FetchUsage& usage) {
  heard_ = within_budget(usage);
  heard_at_ = clock_.boot_now();
}

// No count and no window is larger than the configured one, whatever is stored.
FetchUsage FleetView::within_budget(FetchUsage usage) const {
  const BudgetConfig& budget = config_.budget;
  if (budget.calls > 0) usage.calls = std::min(usage.calls, budget.calls);
  if (usage.window_end) usage.window_end = std::min<BootTime>(*usage.window_end, clock_.boot_now() + budget.per);
  return usage;
}

bool FleetView::counts_calls() const {
  return config_.budget.calls > 0 && counted_.calls > 0 && counted_.window_end > clock_.boot_now();
}

bool FleetView::heard_of_more_calls() const {
  const std::uint64_t known = counts_calls() ? counted_.calls : 0;
  return config_.budget.calls > 0 && heard_.calls > known && heard_.window_end > clock_.boot_now();
}

bool FleetView::relies_on_messages() const { return heard_of_more_calls() || blocked_until(false) > clock_.boot_now(); }

FetchLimits FleetView::limits(bool requested) const {
  const BudgetConfig& budget = config_.budget;
  if (budget.calls == 0) return {config_.refresh.min_interval, 0, budget.per};
  FetchLimits limits{config_.refresh.min_interval, requested ? budget.calls : budget.calls - budget.reserve,
                     budget.per};
  if (counted_.window_end > clock_.boot_now()) {
    limits.known_calls = counted_.calls;
    limits.known_window_left = *counted_.window_end - clock_.boot_now();
  }
  return limits;
}

BootTime FleetView::heard_spent_until(std::uint64_t allowed, BootTime next_look) const {
  if (allowed == 0 || heard_.calls < allowed) return {};
  return std::min(next_look, heard_.window_end.value_or(next_look));
}

BootTime FleetView::budget_spent_until(BootTime next_look) const {
  const std::uint64_t calls = config_.budget.calls;
  if (calls == 0) return {};
  BootTime until{};
  if (counted_.calls >= calls && counted_.window_end) until = *counted_.window_end;
  return std::max(until, heard_spent_until(calls, next_look));
}

BootTime FleetView::blocked_until(bool requested) const {
  return std::max(claimed_until(), standalone_blocked_until(requested));
}

BootTime FleetView::standalone_blocked_until(bool requested) const {
  return requested ? paused_until_ : std::max(paused_until_, spent_until_);
}

// The newest of both counts. A window that has ended is not counted: nothing tells this host that it has.
void FleetView::describe_usage(TokenStatus& status) const {
  status.calls_allowed = config_.budget.calls;
  status.calls_reserved = config_.budget.reserve;
  const BootTime now = clock_.boot_now();
  const FetchUsage& known = heard_.calls > 0 && heard_.window_end > now ? heard_ : counted_;
  if (known.window_end && *known.window_end <= now) return;
  status.calls_used = known.calls;
  if (known.window_end) status.window_end = shown_window_end_.of(*known.window_end, clock_);
}

void FleetView::describe(TokenStatus& status) const {
  describe_usage(status);
  const BootTime until = std::max(paused_until_, spent_until_);
  if (until <= clock_.boot_now()) return;
  status.paused_until = shown_pause_end_.of(until, clock_);
  status.pause_reason = pause_reason_;
}

BootTime FleetView::spread(BootTime until) const { return until + draw_suppressed_delay(longest_spread, random_); }

}  // namespace jeton::agent
