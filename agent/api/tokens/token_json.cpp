#include "agent/api/tokens/token_json.hpp"

#include <utility>

#include "agent/base/json.hpp"

namespace jeton::agent {
namespace {

OrderedJson text_or_null(const std::string& text) { return text.empty() ? OrderedJson(nullptr) : OrderedJson(text); }

OrderedJson event_of(const HistoryEvent& event, WallTime now) {
  OrderedJson json;
  json["at_ms"] = to_unix_ms(event.at);
  json["age_ms"] = (now - event.at).count();
  json["event"] = event.event;
  json["generation"] = event.generation == 0 ? OrderedJson(nullptr) : OrderedJson(event.generation);
  json["host"] = text_or_null(event.host);
  json["lasts_ms"] = event.lasts ? OrderedJson(event.lasts->count()) : OrderedJson(nullptr);
  json["text"] = text_or_null(event.text);
  return json;
}

std::string text_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <typename Integer>
std::optional<Integer> number_member(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return whole_number<Integer>(*found);
}

std::optional<HistoryEvent> read_event(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  try {
    HistoryEvent event;
    const auto at = number_member<std::int64_t>(json, "at_ms");
    if (!at) return std::nullopt;
    event.at = from_unix_ms(*at);
    event.event = text_member(json, "event");
    event.generation = number_member<Generation>(json, "generation").value_or(0);
    event.host = text_member(json, "host");
    if (const auto lasts = number_member<std::int64_t>(json, "lasts_ms")) event.lasts = Milliseconds(*lasts);
    event.text = text_member(json, "text");
    return event;
  } catch (const Error&) {
    return std::nullopt;  // a number that is none
  }
}

}  // namespace

std::string history_json(const std::string& name, const std::deque<HistoryEvent>& events, WallTime now) {
  OrderedJson json;
  json["name"] = name;
  json["now_ms"] = to_unix_ms(now);
  json["events"] = OrderedJson::array();
  for (const HistoryEvent& event : events) json["events"].push_back(event_of(event, now));
  return json_text(json) + "\n";
}

ReadHistory read_history(std::string_view text) {
  const Json json = try_parse_json(text);
  if (json.is_discarded()) return {{}, "it is not JSON"};
  const auto listed = json.find("events");
  if (listed == json.end() || !listed->is_array()) return {{}, "it has no list of events"};
  ReadHistory read;
  std::size_t unreadable = 0;
  for (const Json& one : *listed) {
    auto event = read_event(one);
    if (event) {
      read.events.push_back(std::move(*event));
    } else {
      ++unreadable;
    }
    if (read.events.size() > TokenHistory::most_events) read.events.pop_front();
  }
  if (unreadable > 0) read.damage = std::to_string(unreadable) + " of its events cannot be read";
  return read;
}

std::optional<std::uint64_t> generation_in(const std::string& body) {
  const Json json = try_parse_json(body);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("generation");
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<log::Level> log_level_in(const std::string& body) {
  const Json json = try_parse_json(body);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("level");
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return log::level_named(found->get_ref<const std::string&>());
}

}  // namespace jeton::agent
