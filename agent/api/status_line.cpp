#include "agent/api/status_line.hpp"

#include <algorithm>
#include <chrono>

#include "agent/base/excerpt.hpp"

namespace jeton::agent {
namespace {

using Tokens = std::vector<TokenStatus>;

// The two largest units: "4m10s", "3h2m", "2d5h".
std::string in_words(Milliseconds time) {
  using namespace std::chrono;
  const auto text = [](auto large, const char* unit, auto small, const char* smaller) {
    return std::to_string(large.count()) + unit + (small.count() == 0 ? "" : std::to_string(small.count()) + smaller);
  };
  const auto s = duration_cast<seconds>(time);
  const auto m = duration_cast<minutes>(time);
  const auto h = duration_cast<hours>(time);
  const auto d = duration_cast<days>(time);
  if (d.count() > 0) return text(d, "d", duration_cast<hours>(h - d), "h");
  if (h.count() > 0) return text(h, "h", duration_cast<minutes>(m - h), "m");
  if (m.count() > 0) return text(m, "m", duration_cast<seconds>(s - m), "s");
  return std::to_string(s.count()) + "s";
}

bool is_valid(const TokenStatus& token) { return token.state == TokenState::valid; }
bool has_trouble(const TokenStatus& token) { return !is_valid(token) || !token.last_error.empty(); }

std::string valid_text(const Tokens& tokens) {
  const auto valid = static_cast<std::size_t>(std::count_if(tokens.begin(), tokens.end(), is_valid));
  if (tokens.empty()) return "no tokens are configured";
  const std::string all = std::to_string(tokens.size()) + (tokens.size() == 1 ? " token" : " tokens");
  return (valid == tokens.size() ? "" : std::to_string(valid) + " of ") + all + " valid";
}

std::string trouble_text(const TokenStatus& token) {
  const std::string error = token.last_error.empty() ? "" : ": " + excerpt(token.last_error);
  if (token.state == TokenState::expired) return token.name + " is expired" + error;
  if (token.state == TokenState::none) return "there is no token " + token.name + " yet" + error;
  return "the last refresh of " + token.name + " failed" + error;
}

// The worst token by name, and how many more there are: the line is short.
std::string troubles_text(const Tokens& tokens) {
  const auto count = std::count_if(tokens.begin(), tokens.end(), has_trouble);
  if (count == 0) return {};
  auto worst = std::find_if_not(tokens.begin(), tokens.end(), is_valid);
  if (worst == tokens.end()) worst = std::find_if(tokens.begin(), tokens.end(), has_trouble);
  return "; " + trouble_text(*worst) + (count == 1 ? "" : " (and " + std::to_string(count - 1) + " more)");
}

std::string refresh_text(const AgentStatus& status) {
  std::optional<WallTime> next;
  for (const TokenStatus& token : status.tokens) {
    if (token.refresh_at) next = std::min(next.value_or(*token.refresh_at), *token.refresh_at);
  }
  if (!next) return {};
  return *next <= status.now ? ", a refresh is due now" : ", next refresh in " + in_words(*next - status.now);
}

}  // namespace

std::string status_line(const AgentStatus& status) {
  const std::string troubles = troubles_text(status.tokens);
  const std::string coordinator =
      status.coordinator.reachable ? "" : "; the coordinator (" + status.coordinator.backend + ") is unreachable";
  return valid_text(status.tokens) + (troubles.empty() ? refresh_text(status) : troubles) + coordinator;
}

}  // namespace jeton::agent
