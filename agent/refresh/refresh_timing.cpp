#include "agent/refresh/refresh_timing.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

// A host without a valid token does not wait for the spread.
constexpr Duration cold_start_spread = std::chrono::milliseconds(5);

}  // namespace

void RefreshTiming::draw_cold_start_delay() {
  missing_due_ =
      parts_.clock.boot_now() + std::chrono::duration_cast<Duration>(cold_start_spread * parts_.random.uniform());
}

BootTime RefreshTiming::scheduled_at() const {
  const BootTime scheduled = parts_.current.refresh_due().value_or(missing_due_);
  return is_requested() ? std::min(scheduled, parts_.request.due()) : scheduled;
}

BootTime RefreshTiming::blocked_until() const {
  return std::max(parts_.fleet.blocked_until(is_requested()), parts_.outage.retry_at());
}

BootTime RefreshTiming::due_at() const { return std::max(scheduled_at(), blocked_until()); }

BootTime RefreshTiming::standalone_at() const {
  if (parts_.standalone == nullptr) return BootTime::max();
  return parts_.standalone->due_at(scheduled_at(), parts_.fleet.standalone_blocked_until(is_requested()));
}

std::string RefreshTiming::missing_prerequisite() const {
  for (const std::string& name : config_.uses) {
    if (parts_.tokens == nullptr || !parts_.tokens->token_value(name)) return name;
  }
  return {};
}

RefreshPhase RefreshTiming::phase() const {
  const BootTime blocked = blocked_until();
  if (blocked <= parts_.clock.boot_now()) return RefreshPhase::quiet;
  return blocked == parts_.fleet.claimed_until() ? RefreshPhase::waiting : RefreshPhase::backing_off;
}

RefreshAnswer RefreshTiming::answer(BootTime next_look) const {
  RefreshAnswer answer;
  answer.generation = parts_.current.token_generation();
  const BootTime spent_until = parts_.fleet.budget_spent_until(next_look);
  const BootTime due = std::max(due_at(), spent_until);
  const Duration left = std::max(due - parts_.clock.boot_now(), Duration{0});
  answer.due = parts_.clock.wall_now() + to_ms(left);
  if (left > RefreshRequest::spread) {
    answer.held_by = reason_of(due, spent_until);
  } else if (const std::string missing = missing_prerequisite(); !missing.empty()) {
    answer.held_by = "the token " + missing + ", which the source uses, is not valid";
  }
  return answer;
}

std::string RefreshTiming::reason_of(BootTime due, BootTime budget_spent_until) const {
  if (due == parts_.fleet.claimed_until()) return "another agent is fetching";
  if (due == parts_.outage.retry_at()) return "the coordinator cannot be reached";
  if (due == parts_.fleet.paused_until()) return "paused: " + parts_.fleet.pause_reason();
  if (due == budget_spent_until) return "budget";
  return parts_.request.held_by();
}

}  // namespace jeton::agent
