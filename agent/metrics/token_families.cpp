// The families with a series for each token.
#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/metrics/families.hpp"
#include "agent/metrics/figures.hpp"

namespace jeton::agent {
namespace {

using prometheus::MetricType;
using Value = std::optional<double>;

struct Description {
  const char* name;
  MetricType type;
  const char* help;
  Value (*value)(const TokenStatus& token, WallTime now);
};

Value seconds_from(WallTime from, const std::optional<WallTime>& to) {
  if (!to) return std::nullopt;
  return in_seconds(*to - from);
}

Value if_limited(const TokenStatus& token, std::uint64_t calls) {
  if (token.calls_allowed == 0) return std::nullopt;
  return static_cast<double>(calls);
}

template <std::uint64_t TokenStatus::*member>
Value count_of(const TokenStatus& token, WallTime) {
  return static_cast<double>(token.*member);
}

constexpr std::array descriptions{
    Description{"jeton_token_valid", MetricType::Gauge, "1 if readers get a valid token, otherwise 0.",
                [](const TokenStatus& t, WallTime) -> Value { return t.state == TokenState::valid ? 1 : 0; }},
    Description{"jeton_token_expires_in_seconds", MetricType::Gauge,
                "Time until the token expires, negative once it has.",
                [](const TokenStatus& t, WallTime now) -> Value { return seconds_from(now, t.expires_at); }},
    Description{"jeton_token_age_seconds", MetricType::Gauge, "Time since the token was issued.",
                [](const TokenStatus& t, WallTime now) -> Value {
                  if (!t.issued_at) return std::nullopt;
                  return in_seconds(now - *t.issued_at);
                }},
    Description{"jeton_token_refresh_in_seconds", MetricType::Gauge,
                "Time until the refresh of the token is due, negative while it is overdue.",
                [](const TokenStatus& t, WallTime now) -> Value { return seconds_from(now, t.refresh_at); }},
    Description{"jeton_token_generation", MetricType::Gauge,
                "The generation of the token, the same on every host that has it; 0 if there has been none.",
                [](const TokenStatus& t, WallTime) -> Value { return static_cast<double>(t.generation); }},
    Description{"jeton_token_rejected", MetricType::Gauge,
                "1 while the provider refuses the current token and a newer one is awaited, otherwise 0.",
                [](const TokenStatus& t, WallTime) -> Value { return t.rejected ? 1 : 0; }},
    Description{
        "jeton_token_pause_seconds", MetricType::Gauge,
        "Time for which no host may call the provider, because of a pause or a spent budget; 0 if there is none.",
        [](const TokenStatus& t, WallTime now) -> Value {
          return std::max(0.0, seconds_from(now, t.paused_until).value_or(0));
        }},
    Description{"jeton_token_budget_calls", MetricType::Gauge, "Calls to the provider that a window allows the fleet.",
                [](const TokenStatus& t, WallTime) -> Value { return if_limited(t, t.calls_allowed); }},
    Description{"jeton_token_budget_used_calls", MetricType::Gauge, "Calls that the fleet made in the running window.",
                [](const TokenStatus& t, WallTime) -> Value { return if_limited(t, t.calls_used); }},
    Description{"jeton_token_budget_left_calls", MetricType::Gauge, "Calls that are left in the running window.",
                [](const TokenStatus& t, WallTime) -> Value {
                  return if_limited(t, t.calls_allowed - std::min(t.calls_allowed, t.calls_used));
                }},
    Description{"jeton_token_fetches_total", MetricType::Counter, "Calls of this host to the provider.",
                count_of<&TokenStatus::fetches>},
    Description{"jeton_token_fetch_failures_total", MetricType::Counter, "Calls of this host that brought no token.",
                count_of<&TokenStatus::fetch_failures>},
    Description{"jeton_token_consecutive_failures", MetricType::Gauge,
                "Failed calls of this host since a token arrived last, from any host.",
                count_of<&TokenStatus::consecutive_failures>},
    Description{"jeton_token_publications_total", MetricType::Counter, "Tokens that this host published.",
                count_of<&TokenStatus::publications>},
    Description{"jeton_token_publications_refused_total", MetricType::Counter,
                "Publications of this host that came too late: the fleet had a newer token.",
                count_of<&TokenStatus::publications_refused>},
    Description{"jeton_token_records_refused_total", MetricType::Counter,
                "Records from the coordinator that were malformed, not sealed for this token, or older than its own.",
                count_of<&TokenStatus::records_refused>},
    Description{"jeton_token_rejections_total", MetricType::Counter,
                "Reports of this host's users that the provider rejected the current token.",
                count_of<&TokenStatus::rejections_reported>},
    Description{"jeton_token_segment_bytes", MetricType::Gauge, "Size of the segment that readers map.",
                count_of<&TokenStatus::segment_bytes>},
};

}  // namespace

std::size_t token_family_count() { return descriptions.size(); }

prometheus::MetricFamily token_family(std::size_t index, const AgentStatus& status) {
  const Description& description = descriptions.at(index);
  prometheus::MetricFamily family{description.name, description.help, description.type, {}};
  family.metric.reserve(status.tokens.size());
  for (const TokenStatus& token : status.tokens) {
    const Value value = description.value(token, status.now);
    if (value) family.metric.push_back(sample(description.type, *value, {{"token", token.name}}));
  }
  return family;
}

}  // namespace jeton::agent
