#include "agent/metrics/metrics.hpp"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "agent/metrics/exposition.hpp"
#include "agent/metrics/families.hpp"

namespace jeton::agent {
namespace {

constexpr std::size_t text_a_turn = 64 * 1024;  // some tenths of a millisecond

using prometheus::MetricFamily;
using prometheus::MetricType;
using Value = std::optional<double>;

// A family with a series for each token, whose label is `token`, or two by outcome.
struct Description {
  const char* name;
  MetricType type;
  const char* help;
  Value (*value)(const TokenStatus& token, WallTime now);
  Value (*failed)(const TokenStatus& token) = nullptr;  // if there are two outcomes; then `value` is of success
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

Value sum_of_outputs(const TokenStatus& token, double (*figure)(const OutputStatus&)) {
  if (token.outputs.empty()) return std::nullopt;
  double sum = 0;
  for (const OutputStatus& output : token.outputs) sum += figure(output);
  return sum;
}

// A hook that several outputs share counts once.
Value sum_of_hooks(const TokenStatus& token, double (*figure)(const HookStatus&)) {
  std::set<std::string_view> counted;
  double sum = 0;
  for (const OutputStatus& output : token.outputs) {
    if (output.on_change && counted.insert(output.on_change->id).second) sum += figure(*output.on_change);
  }
  if (counted.empty()) return std::nullopt;
  return sum;
}

double is_failing(const OutputStatus& output) { return output.state == OutputStatus::State::failing ? 1 : 0; }
double writes_of(const OutputStatus& output) { return static_cast<double>(output.writes); }
double failures_of(const OutputStatus& output) { return static_cast<double>(output.failures); }
double is_failing(const HookStatus& hook) { return hook.last_error.empty() ? 0 : 1; }
double good_runs_of(const HookStatus& hook) { return static_cast<double>(hook.runs - hook.failures); }
double failures_of(const HookStatus& hook) { return static_cast<double>(hook.failures); }

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
    Description{"jeton_token_budget_reserved_calls", MetricType::Gauge,
                "Calls of a window that are kept for refreshes on request; the schedule does not make them.",
                [](const TokenStatus& t, WallTime) -> Value { return if_limited(t, t.calls_reserved); }},
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
    Description{"jeton_token_failing_outputs", MetricType::Gauge,
                "Outputs of the token that could not be written last; the files are as before.",
                [](const TokenStatus& t, WallTime) { return sum_of_outputs(t, is_failing); }},
    Description{"jeton_token_output_writes_total", MetricType::Counter,
                "Writes and removals of the outputs of the token by outcome.",
                [](const TokenStatus& t, WallTime) { return sum_of_outputs(t, writes_of); },
                [](const TokenStatus& t) { return sum_of_outputs(t, failures_of); }},
    Description{"jeton_token_failing_hooks", MetricType::Gauge,
                "Hooks (on_change) of the outputs of the token whose last run failed.",
                [](const TokenStatus& t, WallTime) { return sum_of_hooks(t, is_failing); }},
    Description{"jeton_token_hook_runs_total", MetricType::Counter,
                "Runs of these hooks by outcome; those of a hook that several outputs share count once.",
                [](const TokenStatus& t, WallTime) { return sum_of_hooks(t, good_runs_of); },
                [](const TokenStatus& t) { return sum_of_hooks(t, failures_of); }},
};

// Without the tokens that have no such figure, such as those without a budget or outputs.
MetricFamily family_of(const Description& description, const AgentStatus& status) {
  MetricFamily family{description.name, description.help, description.type, {}};
  family.metric.reserve(status.tokens.size());
  for (const TokenStatus& token : status.tokens) {
    const Value value = description.value(token, status.now);
    if (!value) continue;
    if (description.failed == nullptr) {
      family.metric.push_back(sample(description.type, *value, {{"token", token.name}}));
      continue;
    }
    const double failed = description.failed(token).value_or(0);
    family.metric.push_back(sample(description.type, *value, {{"token", token.name}, {"outcome", "success"}}));
    family.metric.push_back(sample(description.type, failed, {{"token", token.name}, {"outcome", "failed"}}));
  }
  return family;
}

}  // namespace

Task<MetricsPage> metrics_page(Timers& timers, MetricsInput input, std::string accept) {
  Exposition exposition(Exposition::format_for(accept));
  for (MetricFamily& family : host_families(input)) exposition.add(std::move(family));
  std::size_t before = exposition.size();
  for (const Description& description : descriptions) {
    if (exposition.size() - before >= text_a_turn) {
      co_await sleep_for(timers, Duration{0});
      before = exposition.size();
    }
    exposition.add(family_of(description, input.status));
  }
  MetricsPage page;
  page.content_type = exposition.content_type();
  page.text = exposition.finish();
  co_return page;
}

}  // namespace jeton::agent
