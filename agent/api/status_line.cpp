#include "agent/api/status_line.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "agent/api/token_condition.hpp"
#include "agent/base/excerpt.hpp"

namespace jeton::agent {
namespace {

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
