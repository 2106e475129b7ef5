#include "agent/api/page/token_condition.hpp"

namespace jeton::agent {

// A pause before the next refresh is due is no trouble: min_interval makes one after each fetch.
TokenCondition condition_of(const TokenStatus& status, WallTime now) {
  const bool fails = !status.last_error.empty();
  if (status.state == TokenState::expired) return {0, "bad", "expired"};
  if (status.state == TokenState::none)
    return fails ? TokenCondition{0, "bad", "no token"} : TokenCondition{3, "busy", "starting"};
  if (status.rejected) return {1, "bad", "rejected"};
  if (fails) return {2, "warn", "failing"};
  const bool due = status.refresh_at && *status.refresh_at <= now;
  if (due && status.paused_until && *status.paused_until > now) return {3, "warn", "paused"};
  const bool works = status.phase == RefreshPhase::acquiring || status.phase == RefreshPhase::fetching ||
                     status.phase == RefreshPhase::publishing;
  if (due || works) return {4, "busy", "refreshing"};
  return {5, "good", "valid"};
}

}  // namespace jeton::agent
