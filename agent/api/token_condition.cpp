#include "agent/api/token_condition.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>

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
  if (!trouble_of(status).empty()) return {2, "warn", "failing"};
  const bool due = status.refresh_at && *status.refresh_at <= now;
  if (due && status.paused_until && *status.paused_until > now) return {3, "warn", "paused"};
  const bool works = status.phase == RefreshPhase::acquiring || status.phase == RefreshPhase::fetching ||
                     status.phase == RefreshPhase::publishing;
  if (due || works) return {4, "busy", "refreshing"};
  return {5, "good", "valid"};
}

bool needs_a_look(const TokenCondition& condition) { return condition.kind == "bad" || condition.kind == "warn"; }

std::string duration_words(Milliseconds duration, DurationForm form) {
  struct Unit {
    std::int64_t seconds;
    const char* word;
    const char* letter;
  };
  constexpr std::array<Unit, 4> units{{{86'400, " d", "d"}, {3'600, " h", "h"}, {60, " min", "m"}, {1, " s", "s"}}};
  const bool is_long = form == DurationForm::words;
  const auto text = [&](std::int64_t count, const Unit& unit) {
    return std::to_string(count) + (is_long ? unit.word : unit.letter);
  };
  const std::int64_t seconds = std::abs(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  const auto* const unit =
      std::find_if(units.begin(), units.end() - 1, [&](const Unit& one) { return seconds >= one.seconds; });
  std::string largest = text(seconds / unit->seconds, *unit);
  if (unit->seconds == 1) return largest;
  const Unit& next = *(unit + 1);
  const std::int64_t rest = seconds % unit->seconds / next.seconds;
  return rest == 0 ? largest : largest + (is_long ? " " : "") + text(rest, next);
}

}  // namespace jeton::agent
