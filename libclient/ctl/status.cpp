#include <algorithm>
#include <system_error>

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
Exit show_segments(const Common& common, const std::string& name, const std::string& problem) {
  if (const std::string text = no_agent_text(common.dir); !text.empty()) throw Failure(Exit::unreachable, text);
  std::vector<SegmentState> segments = all_segments(common.dir);
  if (!name.empty()) std::erase_if(segments, [&](const SegmentState& s) { return s.name != name; });
  const bool readable = std::any_of(segments.begin(), segments.end(), [](const auto& s) { return s.state == "valid"; });
  say("the agent does not answer: " + problem + "; is jeton-agent running?" +
      (readable ? " Tokens already published stay readable until they expire." : ""));
  if (common.format == Format::json) {
    Json json{{"error", {{"code", "agent_unreachable"}, {"message", problem}}}, {"segments", Json::array()}};
    for (const SegmentState& segment : segments) json["segments"].push_back(segment_json(segment));
    write_out(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
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

}  // namespace

Exit run_status(const Common& common, const StatusOptions& options) {
  if (!options.name.empty()) check_name(options.name);
  const ApiClient agent(common.dir);
  const ApiAnswer answer = agent.get(options.name.empty() ? "/v1/status" : "/v1/tokens/" + options.name);
  if (!answer.problem.empty()) return show_segments(common, options.name, answer.problem);
  if (answer.error_code() == "unknown_token") {
    throw Failure(Exit::error, unknown_token_text(options.name, token_names(agent.get("/v1/status").body)));
  }
  if (!answer.ok() || !answer.body.is_object()) {
    const std::string reason = answer.error_message();
    return show_segments(common, options.name,
                         "it answered " + std::to_string(answer.status) + (reason.empty() ? "" : ", " + reason));
  }
  return options.name.empty() ? show_all(common, answer) : show_one(common, answer);
}

}  // namespace jeton::ctl
