#include "libclient/ctl/status_text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
namespace {

constexpr std::size_t state_width = 8;  // of columns of the table
constexpr std::size_t time_width = 10;
constexpr std::size_t label_width = 14;  // of the detailed view

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return printable(value.get<std::string>());
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "-";
}

std::string duration(const Json& object, const char* name) {
  const auto ms = number_of(object, name);
  return ms ? duration_text(*ms) : "-";
}

std::string left(const Json& object, const char* name) {
  const auto ms = number_of(object, name);
  return ms ? left_text(*ms) : "-";
}

// "2026-01-02T03:04:05Z (in 5m)".
std::string instant(const std::optional<std::int64_t>& at_ms, const std::optional<std::int64_t>& in_ms) {
  if (!at_ms) return "-";
  return time_text(*at_ms) + (in_ms ? " (" + relative_text(*in_ms) + ")" : "");
}

std::string coordinator_line(const Json& coordinator) {
  const bool reachable = member(coordinator, "reachable") == true;
  std::string line = "coordinator " + text(coordinator, "backend") + ", ";
  line += coloured(reachable ? "reachable" : "not reachable", reachable ? Colour::good : Colour::bad);
  line += ", clock offset " + duration(coordinator, "clock_offset_ms") + "\n";
  line += wrapped("  endpoint ", text(coordinator, "endpoint"));
  const std::string error = text(coordinator, "last_error");
  return error == "-" ? line : line + coloured(wrapped("  error ", error), Colour::bad);
}

// Only where applications may take locks.
std::string locks_line(const Json& locks) {
  if (!locks.is_object()) return "";
  const bool reachable = member(locks, "reachable") == true;
  std::string line = "locks " + text(locks, "held") + " held here, " + text(locks, "waiting") + " waited for";
  if (!reachable) line += ", " + coloured("none can be taken now", Colour::bad);
  const std::string error = text(locks, "last_error");
  return line + "\n" + (error == "-" ? "" : coloured(wrapped("  error ", error), Colour::bad) + "\n");
}

// Only where the agent cannot listen on the address of agent.listen.
std::string listen_lines(const Json& listen) {
  const std::string error = text(listen, "last_error");
  if (error == "-") return "";
  return coloured(wrapped("listen: ", error), Colour::bad) + "  " + text(listen, "remedy") + "\n";
}

std::string lock_text(const Json& token) {
  const Json& lock = member(token, "lock");
  if (member(lock, "held") == true) return "held here";
  return member(lock, "holder").is_string() ? "held by " + text(lock, "holder") : "not held here";
}

// "valid", or "rejected" for one that the provider refused though its time is not over.
std::string state_text(const Json& token) {
  const std::string state = text(token, "state");
  return state == "valid" && member(token, "rejected") == true ? "rejected" : state;
}

std::string error_text(const Json& error) {
  const auto age = number_of(error, "age_ms");
  return (age ? duration_text(*age) + " ago: " : "") + text(error, "message");
}

std::string pause_text(const Json& pause) { return left(pause, "in_ms") + ": " + text(pause, "reason"); }

// "12 of 2000 calls used, 1988 left; the count starts again in 3h 20m"
std::string budget_text(const Json& budget) {
  const auto ends = number_of(budget, "window_ends_in_ms");
  const std::string reserve = number_of(budget, "reserve").value_or(0) == 0
                                  ? std::string()
                                  : " (" + text(budget, "reserve") + " of all for refreshes that are asked for)";
  return text(budget, "used") + " of " + text(budget, "calls") + " calls used, " + text(budget, "left") + " left" +
         reserve + (ends ? "; the count starts again in " + duration_text(*ends) : "");
}

// Why an output or its on_change fails; empty if all go well.
std::string output_error(const Json& output) {
  if (!member(output, "last_error").is_null()) return text(output, "last_error");
  const Json& hook = member(output, "on_change");
  return member(hook, "last_error").is_null() ? std::string() : text(hook, "last_error");
}

std::string first_output_error(const Json& token) {
  for (const Json& output : member(token, "outputs")) {
    if (std::string error = output_error(output); !error.empty()) return error;
  }
  return {};
}

bool is_in_trouble(const Json& token) {
  return !member(token, "pause").is_null() || !member(token, "last_error").is_null() ||
         !first_output_error(token).empty();
}

// The worst first: what readers do not get, then what the provider refuses, then what cannot be renewed now.
int rank(const Json& token) {
  const std::string state = state_text(token);
  if (state != "valid") return state == "rejected" ? 1 : 0;
  return is_in_trouble(token) ? 2 : 3;
}

bool is_worse(const Json& a, const Json& b) {
  const auto key = [](const Json& token) {
    return std::tuple(rank(token), number_of(token, "expires_in_ms").value_or(0), text(token, "name"));
  };
  return key(a) < key(b);
}

std::string note_text(const Json& token) {
  const Json& pause = member(token, "pause");
  if (!pause.is_null()) return "paused for " + pause_text(pause);
  const Json& error = member(token, "last_error");
  if (!error.is_null()) return "error " + error_text(error);
  const std::string of_output = first_output_error(token);
  return of_output.empty() ? text(token, "phase") : "output " + of_output;
}

std::string overview_row(const Json& token, std::size_t names) {
  const std::string state = state_text(token);
  return row({{text(token, "name"), names},
              {state, state_width, false, colour_of(state)},
              {left(token, "expires_in_ms"), time_width, true},
              {left(token, "refresh_in_ms"), time_width, true},
              {note_text(token), 0, false, is_in_trouble(token) ? Colour::bad : Colour::none}});
}

// "200 tokens: 198 valid, 2 expired"
std::string count_line(const std::vector<Json>& tokens) {
  std::map<std::string, std::size_t> by_state;
  for (const Json& token : tokens) ++by_state[state_text(token)];
  std::string line;
  for (const auto& [state, count] : by_state) {
    line += (line.empty() ? "" : ", ") + coloured(std::to_string(count) + " " + state, colour_of(state));
  }
  return std::to_string(tokens.size()) + (tokens.size() == 1 ? " token: " : " tokens: ") + line + "\n";
}

std::string detail(const char* label, const std::string& value) {
  return wrapped("  " + padded(label, label_width), value);
}

std::string previous_text(const Json& previous) {
  if (previous.is_null()) return "none";
  return "generation " + text(previous, "generation") + ", acceptable until " +
         instant(number_of(previous, "accept_until_ms"), number_of(previous, "accept_in_ms"));
}

// "/run/app/token written, generation 17, 5m ago; reload nginx.service, 3 runs"
std::string output_text(const Json& output, const std::optional<std::int64_t>& now) {
  const auto written = number_of(output, "written_at_ms");
  std::string line = text(output, "path") + " " + text(output, "state");
  if (number_of(output, "generation").value_or(0) > 0) line += ", generation " + text(output, "generation");
  if (written && now) line += ", " + duration_text(*now - *written) + " ago";
  const Json& hook = member(output, "on_change");
  if (!hook.is_null()) {
    line += "; " + text(hook, "action") + ", " + text(hook, "runs") + (number_of(hook, "runs") == 1 ? " run" : " runs");
    if (member(hook, "due") == true) line += ", due";
  }
  return line;
}

std::string counters_text(const Json& counters) {
  return text(counters, "fetches") + " fetches (" + text(counters, "fetch_failures") + " failed, " +
         text(counters, "consecutive_failures") + " in a row), " + text(counters, "publications") + " publications, " +
         text(counters, "publications_refused") + " refused, " + text(counters, "lock_attempts") + " lock attempts" +
         (number_of(counters, "records_refused").value_or(0) > 0
              ? ", " + text(counters, "records_refused") + " records of others refused"
              : "");
}

}  // namespace

std::string agent_text(const Json& status) {
  std::string out = "agent " + text(status, "version") + " on " + text(status, "host") + ", pid " +
                    text(status, "pid") + ", up " + duration(status, "uptime_ms") + "\n" +
                    coordinator_line(member(status, "coordinator")) + "\n" + locks_line(member(status, "locks")) +
                    listen_lines(member(status, "listen"));
  if (const auto dropped = number_of(status, "log_lines_dropped"); dropped.value_or(0) > 0) {
    out += coloured("log: " + std::to_string(*dropped) + " lines were dropped: the log did not accept them in time\n",
                    Colour::bad);
  }
  const Json& listed = member(status, "tokens");
  if (!listed.is_array() || listed.empty()) return out + "no tokens are configured\n";
  std::vector<Json> tokens(listed.begin(), listed.end());
  std::stable_sort(tokens.begin(), tokens.end(), is_worse);
  std::size_t names = 0;
  for (const Json& token : tokens) names = std::max(names, text(token, "name").size());
  out += count_line(tokens);
  out += heading({{"NAME", names},
                  {"STATE", state_width},
                  {"EXPIRES IN", time_width, true},
                  {"REFRESH IN", time_width, true},
                  {"NOTE"}});
  for (const Json& token : tokens) out += overview_row(token, names);
  return out;
}

std::string token_text(const Json& token) {
  const std::string state = state_text(token);
  const auto now = number_of(token, "now_ms");
  const auto ago = [&](const char* name) {
    const auto at = number_of(token, name);
    return instant(at, at && now ? std::optional(*at - *now) : std::nullopt);
  };
  std::string out = "token " + coloured(text(token, "name"), Colour::heading) + "\n";
  out += "  " + padded("state", label_width) + coloured(state, colour_of(state)) + "\n";
  out += detail("generation", text(token, "generation") + ", fingerprint " + text(token, "fingerprint"));
  out += detail("type", text(token, "type"));
  out += detail("issued", ago("issued_at_ms") + ", fetched by " + text(token, "fetched_by"));
  out += detail("expires", instant(number_of(token, "expires_at_ms"), number_of(token, "expires_in_ms")));
  out += detail("refresh", instant(number_of(token, "refresh_at_ms"), number_of(token, "refresh_in_ms")));
  out +=
      detail("", "= expires - grace " + duration(token, "grace_ms") + " - delay " + duration(token, "spread_delay_ms") +
                     ", drawn from a spread of " + duration(token, "spread_ms"));
  out += detail("previous", previous_text(member(token, "previous")));
  out += detail("phase", text(token, "phase"));
  if (const auto rejections = number_of(token, "rejections"); rejections.value_or(0) > 0) {
    out += detail("rejected", std::to_string(*rejections) + " in a row before this one");
  }
  out += detail("lock", lock_text(token) + ", last fence " + text(member(token, "lock"), "fence"));
  out += detail("source", text(token, "source"));
  const Json& budget = member(token, "budget");
  out += detail("budget", budget.is_null() ? "unlimited" : budget_text(budget));
  const Json& pause = member(token, "pause");
  out += detail("paused", pause.is_null() ? "no" : "for " + pause_text(pause));
  out += detail("last fetch", ago("last_fetch_at_ms"));
  const Json& error = member(token, "last_error");
  out += detail("last error", error.is_null() ? "none" : error_text(error));
  for (const Json& output : member(token, "outputs")) {
    out += detail("output", output_text(output, now));
    const std::string failed = output_error(output);
    if (!failed.empty()) out += coloured(detail("", failed), Colour::bad);
  }
  return out + detail("agent did", counters_text(member(token, "counters")));
}

}  // namespace jeton::ctl
