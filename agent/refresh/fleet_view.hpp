// FleetView: what this host knows of its fleet: claims and pauses of other hosts, and the calls to the provider.
//
// After a claim or pause a whole fleet would start as one; so each ends a little later by a suppressed draw
// (schedule.hpp), and the first host to wake holds the others back again with its claim. State without I/O; one thread:
// the loop's.
#pragma once

#include <algorithm>
#include <string>

#include "agent/fleet/fetch_budget.hpp"
#include "agent/refresh/current_token.hpp"

namespace jeton::agent {

class FleetView {
 public:
  // All outlive the view. `standalone`: this host may fetch without the coordinator in an outage.
  FleetView(const TokenConfig& config, Milliseconds lock_ttl, const Clock& clock, Random& random,
            const CurrentToken& current, bool standalone);

  // Another agent is at it, as the coordinator says.
  void claim(BootTime until);
  // As a message says: not while this host holds the lock, because it hears its own claim.
  void hear_claim(BootTime until);
  void end_claim() { claimed_until_ = heard_claim_until_ = {}; }
  // At a look at the store that finds nothing new. Anybody may have sent a message, so an attempt for the lock has to
  // confirm it; what the coordinator said of the lock is not asked for again and again.
  void end_heard_claim() { heard_claim_until_ = {}; }
  // The coordinator may have lost the lock: what it said counts no more than a message.
  void doubt_claim();
  void lock_taken() { lock_is_ours_ = true; }
  void lock_given_back();

  // The provider must not be asked before its end. True if that is news, not the echo of a pause already known.
  [[nodiscard]] bool pause(const Pause& pause);
  // The schedule's part of the budget is spent; a refresh that was requested has the reserve.
  void note_budget_spent(BootTime until, const std::string& reason);
  // Ends both.
  void end_pause() { paused_until_ = spent_until_ = {}; }

  // An answer of the coordinator: a lost count is restored from it.
  void note_usage(const FetchUsage& usage);
  // A message, which anybody may have sent.
  void note_heard_usage(const FetchUsage& usage);
  void forget_heard_usage() { heard_ = {}; }
  [[nodiscard]] const FetchUsage& counted() const { return counted_; }
  [[nodiscard]] const FetchUsage& heard() const { return heard_; }
  // Against a budget, in a window that runs.
  [[nodiscard]] bool counts_calls() const;
  // What this host asks of the coordinator. The reserve of the budget is not for the schedule.
  [[nodiscard]] FetchLimits limits(bool requested) const;
  // Until when a message holds back who may make `allowed` calls: to the end of its window, and not beyond the next
  // look at the store.
  [[nodiscard]] BootTime heard_spent_until(std::uint64_t allowed, BootTime next_look) const;
  // Until when an admission would be refused, as far as this host knows.
  [[nodiscard]] BootTime budget_spent_until(BootTime next_look) const;

  [[nodiscard]] BootTime claimed_until() const { return std::max(claimed_until_, heard_claim_until_); }
  [[nodiscard]] BootTime paused_until() const { return paused_until_; }
  [[nodiscard]] BootTime spent_until() const { return spent_until_; }
  [[nodiscard]] bool is_paused() const { return paused_until_ > clock_.boot_now(); }
  // Of the last pause: the request it is for (empty: any), and why.
  [[nodiscard]] const std::string& pause_request() const { return pause_request_; }
  [[nodiscard]] const std::string& pause_reason() const { return pause_reason_; }

  void describe(TokenStatus& status) const;

  // For a refresh by schedule, or for one that was requested.
  [[nodiscard]] BootTime blocked_until(bool requested) const;
  // For a fetch without the coordinator: the claims of other hosts do not count, because what they fetch cannot be
  // published.
  [[nodiscard]] BootTime standalone_blocked_until(bool requested) const;

 private:
  [[nodiscard]] BootTime spread(BootTime until) const;
  [[nodiscard]] BootTime end_of_claim(BootTime until) const;
  [[nodiscard]] FetchUsage within_budget(FetchUsage usage) const;

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
};

}  // namespace jeton::agent
