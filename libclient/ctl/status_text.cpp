#include "libclient/ctl/status_text.hpp"

#include <algorithm>
#include <optional>

#include "libclient/ctl/duration.hpp"
#include "libclient/ctl/output.hpp"

namespace jeton::ctl {
namespace {

// Columns of the overview. A line is 80 wide at most with a name of up to 15 characters.
constexpr std::size_t name_width = 15;
constexpr std::size_t state_width = 8;
constexpr std::size_t generation_width = 16;
constexpr std::size_t time_width = 10;
constexpr std::size_t label_width = 14;  // of the detailed view

std::optional<std::int64_t> number(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return printable(value.get<std::string>());
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "-";
}

std::string duration(const Json& object, const char* name) {
  const auto ms = number(object, name);
  return ms ? duration_text(*ms) : "-";
}

// "1h 49m", or "5s ago" when past.
std::string left(const std::optional<std::int64_t>& ms) {
  if (!ms) return "-";
  return *ms < 0 ? relative_text(*ms) : duration_text(*ms);
}

// "2026-01-02T03:04:05Z (in 5m)".
std::string instant(const std::optional<std::int64_t>& at_ms, const std::optional<std::int64_t>& in_ms) {
  if (!at_ms) return "-";
  return time_text(*at_ms) + (in_ms ? " (" + relative_text(*in_ms) + ")" : "");
}

std::string row(std::size_t names, const std::string& name, const std::string& state, const std::string& generation,
                const std::string& expires, const std::string& refresh, const std::string& last, Colour colour) {
  std::string line = padded(name, names) + "  " + coloured(padded(state, state_width), colour) + "  " +
                     padded(generation, generation_width) + "  " + padded(expires, time_width, true) + "  " +
                     padded(refresh, time_width, true) + "  " + last;
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string heading(std::string line) {
  line.pop_back();
  return coloured(line, Colour::heading) + "\n";
}

std::size_t column_for(std::size_t longest_name) { return std::max(name_width, longest_name); }

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
  const auto age = number(error, "age_ms");
  return (age ? duration_text(*age) + " ago: " : "") + text(error, "message");
}

std::string pause_text(const Json& pause) { return left(number(pause, "in_ms")) + ": " + text(pause, "reason"); }

// "12 of 2000 calls used, 1988 left; the count starts again in 3h 20m"
std::string budget_text(const Json& budget) {
  const auto ends = number(budget, "window_ends_in_ms");
  const std::string reserve = number(budget, "reserve").value_or(0) == 0
                                  ? std::string()
                                  : " (" + text(budget, "reserve") + " of all for refreshes that are asked for)";
  return text(budget, "used") + " of " + text(budget, "calls") + " calls used, " + text(budget, "left") + " left" +
         reserve + (ends ? "; the count starts again in " + duration_text(*ends) : "");
}

std::string overview(const Json& token, std::size_t names) {
  const std::string state = state_text(token);
  std::string out =
      row(names, text(token, "name"), state, text(token, "generation"), left(number(token, "expires_in_ms")),
          left(number(token, "refresh_in_ms")), text(token, "phase"), colour_of(state));
  out += "  grace " + duration(token, "grace_ms") + ", spread " + duration(token, "spread_ms") + ", delay " +
         duration(token, "spread_delay_ms") + ", lock " + lock_text(token) + "\n";
  out += wrapped("  source ", text(token, "source"));
  if (!member(token, "budget").is_null()) out += wrapped("  budget ", budget_text(member(token, "budget")));
  if (!member(token, "pause").is_null()) out += wrapped("  paused for ", pause_text(member(token, "pause")));
  const Json& error = member(token, "last_error");
  if (!error.is_null()) out += coloured(wrapped("  error ", error_text(error)), Colour::bad);
  return out;
}

std::string detail(const char* label, const std::string& value) {
  return wrapped("  " + padded(label, label_width), value);
}

std::string previous_text(const Json& previous) {
  if (previous.is_null()) return "none";
  return "generation " + text(previous, "generation") + ", acceptable until " +
         instant(number(previous, "accept_until_ms"), number(previous, "accept_in_ms"));
}

std::string counters_text(const Json& counters) {
  return text(counters, "fetches") + " fetches (" + text(counters, "fetch_failures") + " failed, " +
         text(counters, "consecutive_failures") + " in a row), " + text(counters, "publications") + " publications, " +
         text(counters, "publications_refused") + " refused, " + text(counters, "lock_attempts") + " lock attempts" +
         (number(counters, "records_refused").value_or(0) > 0
              ? ", " + text(counters, "records_refused") + " records of others refused"
              : "");
}

}  // namespace

std::string agent_text(const Json& status) {
  std::string out = "agent " + text(status, "version") + " on " + text(status, "host") + ", pid " +
                    text(status, "pid") + ", up " + duration(status, "uptime_ms") + "\n" +
                    coordinator_line(member(status, "coordinator")) + "\n" + locks_line(member(status, "locks"));
  if (const auto dropped = number(status, "log_lines_dropped"); dropped.value_or(0) > 0) {
    out += coloured("log: " + std::to_string(*dropped) + " lines were dropped: the log did not accept them in time\n",
                    Colour::bad);
  }
  const Json& tokens = member(status, "tokens");
  if (!tokens.is_array() || tokens.empty()) return out + "no tokens are configured\n";
  std::size_t longest = 0;
  for (const Json& token : tokens) longest = std::max(longest, text(token, "name").size());
  const std::size_t names = column_for(longest);
  out += heading(row(names, "NAME", "STATE", "GENERATION", "EXPIRES IN", "REFRESH IN", "PHASE", Colour::none));
  for (const Json& token : tokens) out += overview(token, names);
  return out;
}

std::string token_text(const Json& token) {
  const std::string state = state_text(token);
  const auto now = number(token, "now_ms");
  const auto ago = [&](const char* name) {
    const auto at = number(token, name);
    return instant(at, at && now ? std::optional(*at - *now) : std::nullopt);
  };
  std::string out = "token " + coloured(text(token, "name"), Colour::heading) + "\n";
  out += "  " + padded("state", label_width) + coloured(state, colour_of(state)) + "\n";
  out += detail("generation", text(token, "generation") + ", fingerprint " + text(token, "fingerprint"));
  out += detail("type", text(token, "type"));
  out += detail("issued", ago("issued_at_ms") + ", fetched by " + text(token, "fetched_by"));
  out += detail("expires", instant(number(token, "expires_at_ms"), number(token, "expires_in_ms")));
  out += detail("refresh", instant(number(token, "refresh_at_ms"), number(token, "refresh_in_ms")));
  out +=
      detail("", "= expires - grace " + duration(token, "grace_ms") + " - delay " + duration(token, "spread_delay_ms") +
                     ", drawn from a spread of " + duration(token, "spread_ms"));
  out += detail("previous", previous_text(member(token, "previous")));
  out += detail("phase", text(token, "phase"));
  if (const auto rejections = number(token, "rejections"); rejections.value_or(0) > 0) {
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
  return out + detail("agent did", counters_text(member(token, "counters")));
}

std::string segments_text(const std::vector<SegmentState>& segments) {
  if (segments.empty()) return "no segments\n";
  std::size_t longest = 0;
  for (const SegmentState& segment : segments) longest = std::max(longest, segment.name.size());
  const std::size_t names = column_for(longest);
  std::string out = heading(row(names, "NAME", "STATE", "GENERATION", "EXPIRES IN", "AGENT SEEN", "", Colour::none));
  for (const SegmentState& segment : segments) {
    std::string generation = "-";
    std::string expires = "-";
    std::string seen = "-";
    if (segment.info) {
      const jeton_info& info = segment.info->raw();
      generation = std::to_string(info.generation);
      expires = left(info.expires_at_ms - unix_ms_now());
      if (info.heartbeat_age_ms >= 0) seen = duration_text(info.heartbeat_age_ms) + " ago";
    }
    out += row(names, segment.name, segment.state, generation, expires, seen, printable(segment.problem),
               colour_of(segment.state));
  }
  return out;
}

}  // namespace jeton::ctl
