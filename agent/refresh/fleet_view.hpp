// FleetView: this host's knowledge of its fleet: claims and pauses of other hosts, and the calls to the provider.
//
// After a claim or pause all agents would start at the same moment; so each agent adds a random delay to its end (see
// draw_suppressed_delay in schedule.hpp), and the first agent to wake delays the others again with its claim. State
// without I/O; one thread: the loop's.
#pragma once

#include <algorithm>
#include <string>

#include "agent/fleet/fetch_budget.hpp"
#include "agent/refresh/current_token.hpp"

namespace jeton::agent {

// A moment of the boot clock as a status shows it, by the wall clock. Each conversion reads two clocks one after the
// other, and differs by a millisecond from the one before. A status must differ only when something has changed: it is
// sent then. So the first time stays, until it is wrong by a second: the wall clock was stepped, or slewed.
class ShownMoment {
 public:
  [[nodiscard]] WallTime of(BootTime moment, const Clock& clock) {
    const WallTime computed = wall_time_of(moment, clock);
    const Milliseconds moved = computed - shown_;
    const bool is_same = moment == moment_ && -tolerance < moved && moved < tolerance;
    if (!is_same) shown_ = computed;
    moment_ = moment;
    return shown_;
  }

 private:
  static constexpr Milliseconds tolerance = std::chrono::seconds(1);
  BootTime moment_{};
  WallTime shown_;
};

class FleetView {
 public:
  // All outlive the view. `standalone`: this host may fetch without the coordinator in an outage.
  FleetView(const TokenConfig& config, Milliseconds lock_ttl, const Clock& clock, Random& random,
            const CurrentToken& current, bool standalone);

  // Notes a claim that the coordinator has confirmed: another agent holds the updater lock.
  void claim(BootTime until);
  // Notes a claim from a message; ignores it while this host holds the lock, because it receives its own claim.
  void hear_claim(BootTime until);
  void end_claim() { claimed_until_ = heard_claim_until_ = {}; }
  // Called after a read of the store that found nothing new: ends the claim from a message. Any client may have sent
  // the message, so an attempt to take the lock must confirm it. A claim that the coordinator has confirmed stays, so
  // that the agent does not ask again and again.
  void end_heard_claim() { heard_claim_until_ = {}; }
  // The coordinator may have lost the lock: a confirmed claim becomes one from a message.
  void mark_claim_unconfirmed();
  void lock_taken() { lock_is_ours_ = true; }
  void lock_released();

  // Notes a pause: no call to the provider before its end. True if it is new, not the echo of a known pause.
  [[nodiscard]] bool pause(const Pause& pause);
  // Notes that the schedule's part of the budget is spent; a requested refresh may use the reserve.
  void note_budget_spent(BootTime until, const std::string& reason);
  // Ends both.
  void end_pause() { paused_until_ = spent_until_ = {}; }

  // Notes the count in an answer of the coordinator to a question of `asked_at`; a lost count is restored from it. A
  // message since then that reports more calls may be newer than the answer: it is kept.
  void note_usage(const FetchUsage& usage, BootTime asked_at);
  // Notes the count in a message, which any client may have sent.
  void note_heard_usage(const FetchUsage& usage);
  void forget_heard_usage() { heard_ = {}; }
  [[nodiscard]] const FetchUsage& counted() const { return counted_; }
  [[nodiscard]] const FetchUsage& heard() const { return heard_; }
  // Whether a message reports more calls in a window that runs than an answer of the coordinator.
  [[nodiscard]] bool heard_of_more_calls() const;
  // Whether calls are counted: there is a budget, and its window runs.
  [[nodiscard]] bool counts_calls() const;
  // The limits that this host passes to the coordinator. The schedule does not get the reserve of the budget.
  [[nodiscard]] FetchLimits limits(bool requested) const;
  // The time until which the count in a message blocks a refresh with `allowed` calls: the end of the window, but not
  // beyond the next read of the store.
  [[nodiscard]] BootTime heard_spent_until(std::uint64_t allowed, BootTime next_look) const;
  // The time until which an admission would be refused, as far as this host knows.
  [[nodiscard]] BootTime budget_spent_until(BootTime next_look) const;

  [[nodiscard]] BootTime claimed_until() const { return std::max(claimed_until_, heard_claim_until_); }
  [[nodiscard]] BootTime paused_until() const { return paused_until_; }
  [[nodiscard]] BootTime spent_until() const { return spent_until_; }
  [[nodiscard]] bool is_paused() const { return paused_until_ > clock_.boot_now(); }
  // Whether the present blocks may come from a message only, which any client may have sent: a claim, a pause, a count
  // of calls.
  [[nodiscard]] bool relies_on_messages() const;
  // The request of the last pause (empty: any request), and the reason.
  [[nodiscard]] const std::string& pause_request() const { return pause_request_; }
  [[nodiscard]] const std::string& pause_reason() const { return pause_reason_; }

  void describe(TokenStatus& status) const;

  // For a refresh by schedule, or for one that was requested.
  [[nodiscard]] BootTime blocked_until(bool requested) const;
  // For a fetch without the coordinator: the claims of other hosts do not count, because those hosts cannot publish.
  [[nodiscard]] BootTime standalone_blocked_until(bool requested) const;

 private:
  [[nodiscard]] BootTime spread(BootTime until) const;
  [[nodiscard]] BootTime end_of_claim(BootTime until) const;
  [[nodiscard]] FetchUsage within_budget(FetchUsage usage) const;
  void describe_usage(TokenStatus& status) const;

  const TokenConfig& config_;
  const Milliseconds lock_ttl_;
  const Clock& clock_;
  Random& random_;
  const CurrentToken& current_;
  const bool standalone_;
  bool lock_is_ours_ = false;
  BootTime claimed_until_{};
  BootTime heard_claim_until_{};
  BootTime paused_until_{};
  BootTime spent_until_{};
  std::string pause_request_;
  std::string pause_reason_;
  FetchUsage counted_;
  FetchUsage heard_;  // since then
  BootTime heard_at_{};
  mutable ShownMoment shown_pause_end_;
  mutable ShownMoment shown_window_end_;
};

}  // namespace jeton::agent
