// jetonctl status, jetonctl names: the tokens as the agent sees them or, if it does not answer, by their segments.
#include <algorithm>
#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/segments.hpp"
#include "libclient/ctl/status_text.hpp"

namespace jeton::ctl {
namespace {

bool is_valid(const Json& token) { return token.is_object() && token.value("state", "") == "valid"; }

Json segment_json(const SegmentState& segment) {
  Json json{{"name", segment.name}, {"state", segment.state}};
  json["problem"] = segment.problem.empty() ? Json(nullptr) : Json(segment.problem);
  for (const char* name : {"generation", "issued_at_ms", "expires_at_ms", "expires_in_ms", "heartbeat_age_ms"}) {
    json[name] = nullptr;
  }
  if (!segment.info) return json;
  const jeton_info& info = segment.info->raw();
  json["generation"] = info.generation;
  json["issued_at_ms"] = info.issued_at_ms;
  json["expires_at_ms"] = info.expires_at_ms;
  json["expires_in_ms"] = info.expires_at_ms - unix_ms_now();
  if (info.heartbeat_age_ms >= 0) json["heartbeat_age_ms"] = info.heartbeat_age_ms;
  return json;
}

// The agent does not answer: a user needs to know first that the segments can still be read.
Exit show_segments(const Common& common, const std::string& name, const ApiAnswer& answer) {
  if (const std::string text = no_agent_text(common.dir); !text.empty()) throw Failure(Exit::unreachable, text);
  std::vector<SegmentState> segments = all_segments(common.dir);
  if (!name.empty()) std::erase_if(segments, [&](const SegmentState& s) { return s.name != name; });
  const bool readable = std::any_of(segments.begin(), segments.end(), [](const auto& s) { return s.state == "valid"; });
  const bool is_missing = !name.empty() && segments.empty();
  say(is_missing ? no_segment_text(common.dir, name, answer)
                 : "the agent does not answer: " + answer.why() + "; " + remedy_for(answer) +
                       (readable ? ". Tokens already published stay readable until they expire." : ""));
  if (common.format == Format::json) {
    Json json{{"error", {{"code", "agent_unreachable"}, {"message", answer.why()}}}, {"segments", Json::array()}};
    for (const SegmentState& segment : segments) json["segments"].push_back(segment_json(segment));
    write_out(json_line(json));
  } else if (!is_missing) {
    write_out(segments_text(segments));
  }
  return Exit::unreachable;
}

Exit show_all(const Common& common, const ApiAnswer& answer) {
  write_out(common.format == Format::json ? answer.text : agent_text(answer.body));
  const Json tokens = answer.body.value("tokens", Json::array());
  return std::all_of(tokens.begin(), tokens.end(), is_valid) ? Exit::done : Exit::no_token;
}

Exit show_one(const Common& common, const ApiAnswer& answer) {
  write_out(common.format == Format::json ? answer.text : token_text(answer.body));
  return is_valid(answer.body) ? Exit::done : Exit::no_token;
}

constexpr Milliseconds key_press_patience{500};  // of a person who pressed a key

std::vector<std::string> lock_names(const Json& answer) {
  std::vector<std::string> names;
  const Json& listed = member(answer, "locks");
  if (!listed.is_array()) return names;
  for (const Json& name : listed) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

}  // namespace

Exit run_status(const Common& common, const StatusOptions& options) {
  if (!options.name.empty()) check_name(options.name);
  const ApiClient agent(common.dir);
  const ApiAnswer answer = agent.get(options.name.empty() ? "/v1/status" : "/v1/tokens/" + options.name);
  if (answer.problem.empty()) check_known(agent, options.name, answer);
  if (!answer.ok() || !answer.body.is_object()) return show_segments(common, options.name, answer);
  return options.name.empty() ? show_all(common, answer) : show_one(common, answer);
}

Exit run_names(const Common& common, const NamesOptions& options) {
  const ApiAnswer answer = ApiClient(common.dir).get(options.locks ? "/v1/locks" : "/v1/status", key_press_patience);
  if (options.locks && !answer.problem.empty()) throw no_answer(common.dir, answer);
  std::vector<std::string> names = options.locks ? lock_names(answer.body)
                                   : answer.ok() ? token_names(answer.body)
                                                 : segment_names(common.dir);
  std::string out;
  for (const std::string& name : names) out += printable(name) + "\n";
  write_out(common.format == Format::json ? json_line(names) : out);
  return Exit::done;
}

}  // namespace jeton::ctl
