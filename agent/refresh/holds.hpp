// Holds: why this agent leaves the lock or the provider alone for now, though a refresh may be due.
//
// After a hold a whole fleet would start as one; so each hold ends a little later by a suppressed draw (schedule.hpp),
// and the first to wake holds the others back again with its claim.
#pragma once

#include <algorithm>
#include <string>

#include "agent/refresh/schedule.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

class Holds {
 public:
  explicit Holds(Random& random) : random_(random) {}

  // Another agent is at it.
  void claim(BootTime until) { claimed_until_ = std::max(claimed_until_, spread(until)); }
  void end_claim() { claimed_until_ = {}; }
  // The provider must not be asked, about a request that failed for good or for long unless `request` is empty. True if
  // that is news, not the echo of a pause already known.
  bool pause(BootTime until, const std::string& request) {
    if (until <= paused_until_ + echo_tolerance) return false;
    paused_until_ = spread(until);
    pause_request_ = request;
    return true;
  }
  void end_pause() { paused_until_ = spent_until_ = {}; }
  // The schedule's part of the budget is spent; a refresh that was asked for has the reserve.
  void spent(BootTime until) { spent_until_ = spread(until); }
  // This host has no share left, or was refused, while it fetches without the coordinator.
  void alone(BootTime until) { alone_until_ = until; }
  // The coordinator was just found unreachable.
  void unreachable(BootTime until) { unreachable_until_ = until; }

  [[nodiscard]] BootTime claimed_until() const { return claimed_until_; }
  [[nodiscard]] BootTime paused_until() const { return paused_until_; }
  [[nodiscard]] BootTime spent_until() const { return spent_until_; }
  [[nodiscard]] const std::string& pause_request() const { return pause_request_; }
  [[nodiscard]] BootTime unreachable_until() const { return unreachable_until_; }
  // For a refresh by schedule, or for one that was asked for.
  [[nodiscard]] BootTime latest(bool demanded) const {
    const BootTime latest = std::max(std::max(claimed_until_, paused_until_), unreachable_until_);
    return demanded ? latest : std::max(latest, spent_until_);
  }
  // For a fetch without the coordinator.
  [[nodiscard]] BootTime latest_alone(bool demanded) const {
    const BootTime latest = std::max(paused_until_, alone_until_);
    return demanded ? latest : std::max(latest, spent_until_);
  }
  [[nodiscard]] RefreshPhase phase(BootTime now, bool demanded) const {
    if (latest(demanded) <= now) return RefreshPhase::quiet;
    return latest(demanded) == claimed_until_ ? RefreshPhase::waiting : RefreshPhase::backing_off;
  }

 private:
  static constexpr Duration longest_spread = std::chrono::milliseconds(200);
  static constexpr Duration echo_tolerance = std::chrono::milliseconds(20);

  [[nodiscard]] BootTime spread(BootTime until) const { return until + draw_suppressed_delay(longest_spread, random_); }

  Random& random_;
  BootTime claimed_until_{};
  BootTime paused_until_{};
  BootTime spent_until_{};
  std::string pause_request_;
  BootTime unreachable_until_{};
  BootTime alone_until_{};
};

}  // namespace jeton::agent
