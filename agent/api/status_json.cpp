#include "agent/api/status_json.hpp"

#include <algorithm>

#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

std::string text(const OrderedJson& json) { return json_text(json) + "\n"; }

OrderedJson at(const std::optional<WallTime>& time) {
  return time ? OrderedJson(to_unix_ms(*time)) : OrderedJson(nullptr);
}

OrderedJson in(const std::optional<WallTime>& time, WallTime now) {
  return time ? OrderedJson((*time - now).count()) : OrderedJson(nullptr);
}

OrderedJson or_null(const std::string& value) { return value.empty() ? OrderedJson(nullptr) : OrderedJson(value); }

OrderedJson previous(const TokenStatus& status) {
  if (!status.previous_generation) return nullptr;
  return {{"generation", *status.previous_generation}, {"accept_until_ms", at(status.previous_accept_until)}};
}

OrderedJson pause(const TokenStatus& status) {
  if (!status.paused_until) return nullptr;
  return {{"until_ms", at(status.paused_until)}, {"reason", status.pause_reason}};
}

// Null without a budget.
OrderedJson budget(const TokenStatus& status, WallTime now) {
  if (status.calls_allowed == 0) return nullptr;
  return {{"calls", status.calls_allowed},
          {"reserve", status.calls_reserved},
          {"used", status.calls_used},
          {"left", status.calls_allowed - std::min(status.calls_allowed, status.calls_used)},
          {"window_ends_in_ms", in(status.window_end, now)}};
}

OrderedJson last_error(const TokenStatus& status, WallTime now) {
  if (status.last_error.empty()) return nullptr;
  OrderedJson json{{"message", status.last_error}, {"at_ms", at(status.last_error_at)}, {"age_ms", nullptr}};
  if (status.last_error_at) json["age_ms"] = (now - *status.last_error_at).count();
  return json;
}

OrderedJson counters(const TokenStatus& status) {
  return {{"fetches", status.fetches},
          {"fetch_failures", status.fetch_failures},
          {"publications", status.publications},
          {"publications_refused", status.publications_refused},
          {"records_refused", status.records_refused},
          {"lock_attempts", status.lock_attempts},
          {"rejections_reported", status.rejections_reported},
          {"consecutive_failures", status.consecutive_failures}};
}

OrderedJson on_change(const HookStatus& status) {
  return {{"action", status.action},
          {"id", status.id},
          {"due", status.is_due},
          {"runs", status.runs},
          {"failures", status.failures},
          {"last_run_at_ms", at(status.last_run_at)},
          {"last_error", or_null(status.last_error)}};
}

OrderedJson output(const OutputStatus& status) {
  OrderedJson json{{"path", status.path},
                   {"state", to_string(status.state)},
                   {"generation", status.generation},
                   {"written_at_ms", at(status.written_at)},
                   {"writes", status.writes},
                   {"failures", status.failures},
                   {"last_error", or_null(status.last_error)},
                   {"on_change", nullptr}};
  if (status.on_change) json["on_change"] = on_change(*status.on_change);
  return json;
}

OrderedJson token(const TokenStatus& status, WallTime now) {
  OrderedJson json;
  json["name"] = status.name;
  json["state"] = to_string(status.state);
  json["phase"] = to_string(status.phase);
  json["generation"] = status.generation;
  json["rejected"] = status.rejected;
  json["rejections"] = status.rejections;
  json["fingerprint"] = or_null(status.fingerprint);
  json["type"] = status.type;
  json["issued_at_ms"] = at(status.issued_at);
  json["expires_at_ms"] = at(status.expires_at);
  json["expires_in_ms"] = in(status.expires_at, now);
  json["fetched_by"] = or_null(status.fetched_by);
  json["grace_ms"] = status.grace.count();
  json["spread_ms"] = status.spread.count();
  json["spread_delay_ms"] = status.spread_delay.count();
  json["refresh_at_ms"] = at(status.refresh_at);
  json["refresh_in_ms"] = in(status.refresh_at, now);
  json["previous"] = previous(status);
  if (status.previous_generation) json["previous"]["accept_in_ms"] = in(status.previous_accept_until, now);
  json["source"] = status.source;
  json["lock"] = {{"held", status.holds_lock}, {"fence", status.fence}, {"holder", or_null(status.lock_holder)}};
  json["pause"] = pause(status);
  if (status.paused_until) json["pause"]["in_ms"] = in(status.paused_until, now);
  json["budget"] = budget(status, now);
  json["counters"] = counters(status);
  json["last_error"] = last_error(status, now);
  json["last_fetch_at_ms"] = at(status.last_fetch_at);
  json["outputs"] = OrderedJson::array();
  for (const OutputStatus& one : status.outputs) json["outputs"].push_back(output(one));
  return json;
}

const char* why_not_valid(const TokenStatus& token, const AgentStatus& agent) {
  if (!agent.coordinator.reachable && !token.host_only) return "the coordinator cannot be reached";
  if (token.paused_until) return "the provider may not be asked now: a pause, or the budget is spent";
  if (token.consecutive_failures > 0) return "the last fetch failed";
  if (token.phase == RefreshPhase::starting) return "the agent is starting";
  return "a new token is awaited";
}

}  // namespace

bool is_ready(const AgentStatus& status) {
  return std::all_of(status.tokens.begin(), status.tokens.end(),
                     [](const TokenStatus& t) { return t.state == TokenState::valid; });
}

std::string agent_json(const AgentStatus& status) {
  OrderedJson json;
  json["version"] = status.version;
  json["host"] = status.host;
  json["pid"] = status.pid;
  json["started_at_ms"] = to_unix_ms(status.started_at);
  json["now_ms"] = to_unix_ms(status.now);
  json["uptime_ms"] = (status.now - status.started_at).count();
  json["ready"] = is_ready(status);
  json["log_lines_dropped"] = status.log_lines_dropped;
  const BackendHealth& health = status.coordinator;
  json["coordinator"] = {{"backend", health.backend},
                         {"endpoint", health.endpoint},
                         {"reachable", health.reachable},
                         {"last_error", or_null(health.last_error)},
                         {"clock_offset_ms", health.clock_offset.count()}};
  json["locks"] = nullptr;
  if (status.locks) {
    json["locks"] = {{"reachable", status.locks->store.reachable},
                     {"last_error", or_null(status.locks->store.last_error)},
                     {"held", status.locks->sessions.held},
                     {"waiting", status.locks->sessions.waiting}};
  }
  json["listen"] = nullptr;
  if (status.listen) {
    json["listen"] = {{"address", status.listen->address},
                      {"listening", status.listen->error.empty()},
                      {"last_error", or_null(status.listen->error)},
                      {"remedy", or_null(status.listen->remedy)}};
  }
  json["tokens"] = OrderedJson::array();
  for (const TokenStatus& t : status.tokens) json["tokens"].push_back(token(t, status.now));
  return text(json);
}

std::string token_json(const TokenStatus& status, WallTime now) {
  OrderedJson json = token(status, now);
  json["now_ms"] = to_unix_ms(now);
  return text(json);
}

std::string readiness_json(const AgentStatus& status) {
  OrderedJson json{{"ready", is_ready(status)}, {"tokens", OrderedJson::array()}, {"warnings", OrderedJson::array()}};
  for (const TokenStatus& t : status.tokens) {
    if (t.state == TokenState::valid) continue;
    json["tokens"].push_back({{"name", t.name}, {"state", to_string(t.state)}, {"reason", why_not_valid(t, status)}});
  }
  if (status.listen && !status.listen->error.empty()) json["warnings"].push_back(status.listen->error);
  return text(json);
}

std::string refresh_answer_json(const std::string& name, const RefreshAnswer& answer, WallTime now) {
  OrderedJson json{{"name", name}, {"generation", answer.generation}, {"superseded", answer.superseded}};
  json["due_in_ms"] =
      answer.superseded ? OrderedJson(nullptr) : OrderedJson(std::max<std::int64_t>((answer.due - now).count(), 0));
  json["held_by"] = or_null(answer.superseded ? std::string() : answer.held_by);
  return text(json);
}

std::string reload_json(const ReloadVerdict& verdict) {
  OrderedJson json;
  if (verdict.refusal.empty()) {
    json["reloaded"] = true;
  } else {
    json["error"] = {{"code", "reload_refused"}, {"message", verdict.refusal}};
  }
  json["problems"] = verdict.problems;
  return text(json);
}

std::string log_level_json(log::Level level) {
  OrderedJson json;
  json["level"] = std::string(log::name_of(level));
  return text(json);
}

std::string findings_json(const Findings& findings) {
  const auto level = [](Finding::Level of) {
    return of == Finding::Level::ok ? "ok" : of == Finding::Level::warning ? "warning" : "problem";
  };
  OrderedJson json;
  json["findings"] = OrderedJson::array();
  for (const Finding& finding : findings) {
    json["findings"].push_back({{"level", level(finding.level)},
                                {"subject", finding.subject},
                                {"text", finding.text},
                                {"remedy", or_null(finding.remedy)}});
  }
  return text(json);
}

std::string error_json(std::string_view code, std::string_view message) {
  return text({{"error", {{"code", code}, {"message", message}}}});
}

std::string token_summary(const TokenStatus& status) {
  OrderedJson json;
  json["name"] = status.name;
  json["state"] = to_string(status.state);
  json["generation"] = status.generation;
  json["rejected"] = status.rejected;
  json["fingerprint"] = or_null(status.fingerprint);
  json["type"] = status.type;
  json["issued_at_ms"] = at(status.issued_at);
  json["expires_at_ms"] = at(status.expires_at);
  json["refresh_at_ms"] = at(status.refresh_at);
  json["previous"] = previous(status);
  json["pause"] = pause(status);
  json["last_error"] = or_null(status.last_error);
  return json_text(json);
}

std::string event_json(std::string_view event, WallTime at, const std::string& summary) {
  OrderedJson json{{"event", event}, {"at_ms", to_unix_ms(at)}};
  if (!summary.empty()) json.update(try_parse_ordered_json(summary));
  return text(json);
}

}  // namespace jeton::agent
