#include "agent/api/token_condition.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "agent/base/excerpt.hpp"

namespace jeton::agent {
namespace {

bool fails_to_write(const OutputStatus& output) {
  return output.state == OutputStatus::State::failing || (output.on_change && !output.on_change->last_error.empty());
}

bool is_valid(const TokenStatus& token) { return token.state == TokenState::valid; }

std::string valid_text(const std::vector<TokenStatus>& tokens) {
  const auto valid = static_cast<std::size_t>(std::count_if(tokens.begin(), tokens.end(), is_valid));
  if (tokens.empty()) return "no tokens are configured";
  const std::string all = std::to_string(tokens.size()) + (tokens.size() == 1 ? " token" : " tokens");
  return (valid == tokens.size() ? "" : std::to_string(valid) + " of ") + all + " valid";
}

// The words for one that needs a look, or that has not come yet.
std::string trouble_text(const TokenStatus& token) {
  const std::string trouble = trouble_of(token);
  const std::string error = trouble.empty() ? "" : ": " + excerpt(trouble);
  if (token.state == TokenState::expired) return token.name + " is expired" + error;
  if (token.state == TokenState::none) return "there is no token " + token.name + " yet" + error;
  if (token.rejected) return "the provider refuses " + token.name + ", and a newer one is awaited" + error;
  if (trouble.empty()) return "the refresh of " + token.name + " is due, and paused: " + excerpt(token.pause_reason);
  return (token.last_error.empty() ? "an output of " : "the last refresh of ") + token.name + " failed" + error;
}

// The worst token as on the status page, and how many more need a look: the line is short. If none does, one that has
// not come yet.
std::string troubles_text(const AgentStatus& status) {
  const TokenStatus* worst = nullptr;
  const TokenStatus* awaited = nullptr;
  int rank = 0;
  std::size_t count = 0;
  for (const TokenStatus& token : status.tokens) {
    const TokenCondition condition = condition_of(token, status.now);
    if (awaited == nullptr && !is_valid(token)) awaited = &token;
    if (!needs_a_look(condition)) continue;
    ++count;
    if (worst != nullptr && rank <= condition.rank) continue;
    worst = &token;
    rank = condition.rank;
  }
  if (worst == nullptr) return awaited == nullptr ? "" : "; " + trouble_text(*awaited);
  return "; " + trouble_text(*worst) + (count == 1 ? "" : " (and " + std::to_string(count - 1) + " more)");
}

std::string refresh_text(const AgentStatus& status) {
  std::optional<WallTime> next;
  for (const TokenStatus& token : status.tokens) {
    if (token.refresh_at) next = std::min(next.value_or(*token.refresh_at), *token.refresh_at);
  }
  if (!next) return {};
  if (*next <= status.now) return ", a refresh is due now";
  return ", next refresh in " + duration_words(*next - status.now, DurationForm::letters);
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

std::string status_line(const AgentStatus& status) {
  const std::string troubles = troubles_text(status);
  const std::string coordinator =
      status.coordinator.reachable ? "" : "; the coordinator (" + status.coordinator.backend + ") is unreachable";
  const std::string reload =
      status.refused_reload.empty() ? "" : "; the last reload was refused: " + excerpt(status.refused_reload);
  const std::string listen = !status.listen || status.listen->error.empty() ? "" : "; " + status.listen->error;
  return valid_text(status.tokens) + (troubles.empty() ? refresh_text(status) : troubles) + coordinator + listen +
         reload;
}

}  // namespace jeton::agent
