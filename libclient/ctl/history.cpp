// jetonctl history: the last events of a token on this host.
#include <algorithm>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/commands.hpp"
#include "libclient/ctl/output.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {
namespace {

constexpr std::size_t instant_width = 20;
constexpr std::size_t event_width = 8;
constexpr std::size_t number_width = 16;  // of a generation

Colour colour_of_event(const std::string& event) {
  if (event == "fetched" || event == "received") return Colour::good;
  if (event == "failed" || event == "spent" || event == "segment" || event == "state") return Colour::bad;
  const bool odd = event == "paused" || event == "rejected" || event == "again" || event == "refused" ||
                   event == "outage" || event == "blocked" || event == "repaired";
  return odd ? Colour::doubtful : Colour::none;
}

std::string note_of(const Json& event) {
  const auto lasts = number_of(event, "lasts_ms");
  std::string text = text_of(event, "text");
  if (!lasts) return text;
  const bool failed = text_of(event, "event") == "failed";
  return (failed ? "next try in " : "for ") + duration_text(*lasts) + (text.empty() ? "" : ": " + text);
}

std::string history_text(const Json& history) {
  const Json& events = member(history, "events");
  if (!events.is_array() || events.empty()) return "nothing has happened yet\n";
  std::size_t hosts = 4;
  for (const Json& event : events) hosts = std::max(hosts, text_of(event, "host").size());
  std::string out = heading(
      {{"TIME", instant_width}, {"EVENT", event_width}, {"GENERATION", number_width}, {"HOST", hosts}, {"NOTE"}});
  for (const Json& event : events) {
    const std::string what = text_of(event, "event");
    const auto at = number_of(event, "at_ms");
    const auto generation = number_of(event, "generation");
    const std::string host = text_of(event, "host");
    out += row({{at ? time_text(*at) : "-", instant_width},
                {what, event_width, false, colour_of_event(what)},
                {generation ? std::to_string(*generation) : "-", number_width},
                {host.empty() ? "-" : host, hosts},
                {note_of(event)}});
  }
  return out;
}

}  // namespace

Exit run_history(const Common& common, const HistoryOptions& options) {
  check_name(options.name);
  const ApiClient agent(common.dir);
  const ApiAnswer answer = agent.get("/v1/tokens/" + options.name + "/history");
  if (!answer.problem.empty()) throw no_answer(common.dir, answer);
  check_known(agent, options.name, answer);
  if (!answer.ok()) throw Failure(Exit::error, answer.error_message());
  write_out(common.format == Format::json ? answer.text : history_text(answer.body));
  return Exit::done;
}

}  // namespace jeton::ctl
