#include "agent/api/page/token_condition.hpp"

#include <algorithm>

namespace jeton::agent {
namespace {

bool fails_to_write(const OutputStatus& output) {
  return output.state == OutputStatus::State::failing || (output.on_change && !output.on_change->last_error.empty());
}

}  // namespace

std::string trouble_of(const TokenStatus& status) {
  if (!status.last_error.empty()) return status.last_error;
  const auto output = std::find_if(status.outputs.begin(), status.outputs.end(), fails_to_write);
  if (output == status.outputs.end()) return {};
  if (output->state == OutputStatus::State::failing) return output->path + ": " + output->last_error;
  return output->path + ": " + output->on_change->action + ": " + output->on_change->last_error;
}

// A pause before the next refresh is due is no trouble: min_interval makes one after each fetch.
TokenCondition condition_of(const TokenStatus& status, WallTime now) {
  const bool fails = !status.last_error.empty();
  if (status.state == TokenState::expired) return {0, "bad", "expired"};
  if (status.state == TokenState::none)
    return fails ? TokenCondition{0, "bad", "no token"} : TokenCondition{3, "busy", "starting"};
  if (status.rejected) return {1, "bad", "rejected"};
  if (fails || std::any_of(status.outputs.begin(), status.outputs.end(), fails_to_write)) return {2, "warn", "failing"};
  const bool due = status.refresh_at && *status.refresh_at <= now;
  if (due && status.paused_until && *status.paused_until > now) return {3, "warn", "paused"};
  const bool works = status.phase == RefreshPhase::acquiring || status.phase == RefreshPhase::fetching ||
                     status.phase == RefreshPhase::publishing;
  if (due || works) return {4, "busy", "refreshing"};
  return {5, "good", "valid"};
}

}  // namespace jeton::agent
