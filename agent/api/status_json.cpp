#include "agent/api/status_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace jeton::agent {
namespace {

using Json = nlohmann::ordered_json;  // members in the order in which a person wants to read them

// A provider's error text may hold anything; bytes that are no UTF-8 become U+FFFD instead of an exception.
std::string text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json at(const std::optional<WallTime>& time) { return time ? Json(to_unix_ms(*time)) : Json(nullptr); }

Json in(const std::optional<WallTime>& time, WallTime now) {
  return time ? Json((*time - now).count()) : Json(nullptr);
}

Json or_null(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }

Json previous(const TokenStatus& status) {
  if (!status.previous_generation) return nullptr;
  return {{"generation", *status.previous_generation}, {"accept_until_ms", at(status.previous_accept_until)}};
}

Json pause(const TokenStatus& status) {
  if (!status.paused_until) return nullptr;
  return {{"until_ms", at(status.paused_until)}, {"reason", status.pause_reason}};
}

// Null without a budget.
Json budget(const TokenStatus& status, WallTime now) {
  if (status.calls_allowed == 0) return nullptr;
  return {{"calls", status.calls_allowed},
          {"reserve", status.calls_reserved},
          {"used", status.calls_used},
          {"left", status.calls_allowed - std::min(status.calls_allowed, status.calls_used)},
          {"window_ends_in_ms", in(status.window_end, now)}};
}

Json last_error(const TokenStatus& status, WallTime now) {
  if (status.last_error.empty()) return nullptr;
  Json json{{"message", status.last_error}, {"at_ms", at(status.last_error_at)}, {"age_ms", nullptr}};
  if (status.last_error_at) json["age_ms"] = (now - *status.last_error_at).count();
  return json;
}

Json counters(const TokenStatus& status) {
  return {{"fetches", status.fetches},
          {"fetch_failures", status.fetch_failures},
          {"publications", status.publications},
          {"publications_refused", status.publications_refused},
          {"records_refused", status.records_refused},
          {"lock_attempts", status.lock_attempts},
          {"rejections_reported", status.rejections_reported},
          {"consecutive_failures", status.consecutive_failures}};
}

Json token(const TokenStatus& status, WallTime now) {
  Json json;
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
  return json;
}

}  // namespace

bool is_ready(const AgentStatus& status) {
  return std::all_of(status.tokens.begin(), status.tokens.end(),
                     [](const TokenStatus& t) { return t.state == TokenState::valid; });
}

std::string agent_json(const AgentStatus& status) {
  Json json;
  json["version"] = status.version;
  json["host"] = status.host;
  json["pid"] = status.pid;
  json["started_at_ms"] = to_unix_ms(status.started_at);
  json["now_ms"] = to_unix_ms(status.now);
  json["uptime_ms"] = (status.now - status.started_at).count();
  json["ready"] = is_ready(status);
  const CoordinatorHealth& health = status.coordinator;
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
  json["tokens"] = Json::array();
  for (const TokenStatus& t : status.tokens) json["tokens"].push_back(token(t, status.now));
  return text(json);
}

std::string token_json(const TokenStatus& status, WallTime now) {
  Json json = token(status, now);
  json["now_ms"] = to_unix_ms(now);
  return text(json);
}

std::string readiness_json(const AgentStatus& status) {
  Json json{{"ready", is_ready(status)}, {"tokens", Json::array()}};
  for (const TokenStatus& t : status.tokens) {
    if (t.state != TokenState::valid) json["tokens"].push_back({{"name", t.name}, {"state", to_string(t.state)}});
  }
  return text(json);
}

std::string demand_json(const std::string& name, const DemandAnswer& demand, WallTime now) {
  Json json{{"name", name}, {"generation", demand.generation}, {"superseded", demand.superseded}};
  json["due_in_ms"] = demand.superseded ? Json(nullptr) : Json(std::max<std::int64_t>((demand.due - now).count(), 0));
  json["held_by"] = or_null(demand.superseded ? std::string() : demand.held_by);
  return text(json);
}

std::string error_json(std::string_view code, std::string_view message) {
  return text({{"error", {{"code", code}, {"message", message}}}});
}

std::string token_summary(const TokenStatus& status) {
  Json json;
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
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string event_json(std::string_view event, WallTime at, const std::string& summary) {
  Json json{{"event", event}, {"at_ms", to_unix_ms(at)}};
  if (!summary.empty()) json.update(Json::parse(summary));
  return text(json);
}

}  // namespace jeton::agent
