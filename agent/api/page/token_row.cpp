// The row of a token on the status page (status_page.hpp).
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/api/page/status_page.hpp"
#include "agent/api/token_condition.hpp"

namespace jeton::agent {
namespace {

// Enough to distinguish holders; only the whole id releases a lock.
constexpr std::size_t shown_of_an_owner = 8;
constexpr std::ptrdiff_t shown_events = 20;

std::string table_cell(std::string_view kind, const std::string& html) {
  return "<td role=\"cell\"" + html_attribute("class", kind) + ">" + html + "</td>";
}

// Of a cell that says so little that a phone leaves it out.
std::string nothing(const char* words) { return "<span class=\"nothing\">" + std::string(words) + "</span>"; }

std::string aside(const std::string& html) { return "<span class=\"aside\">" + html + "</span>"; }

// Below the row, because an error needs the whole width.
std::string trouble_row(const TokenStatus& status) {
  const std::string trouble = trouble_of(status);
  if (trouble.empty()) return {};
  return "<tr role=\"row\" class=\"trouble\"><td role=\"cell\" colspan=\"6\"><p" + html_attribute("class", "error") +
         ">" + html_escaped(trouble) + "</p></td></tr>";
}

std::string expiry_cell(const TokenStatus& status, WallTime now) {
  if (!status.expires_at) return table_cell("expiry", nothing("none yet"));
  std::string html = html_time(*status.expires_at, now);
  if (status.refresh_at) html += aside("refresh " + html_time(*status.refresh_at, now));
  return table_cell("expiry", html);
}

std::string lock_cell(const TokenStatus& status) {
  std::string html = nothing("free");
  if (status.holds_lock) {
    html = "this host";
  } else if (!status.lock_holder.empty()) {
    html = "owner " + html_escaped(status.lock_holder.substr(0, shown_of_an_owner)) + "…";
  }
  if (!status.fetched_by.empty()) html += aside("fetched by " + html_escaped(status.fetched_by));
  return table_cell("lock", html);
}

std::string budget_cell(const TokenStatus& status, WallTime now) {
  if (status.calls_allowed == 0) return table_cell("budget", nothing("no limit"));
  const std::string all = std::to_string(status.calls_allowed);
  const std::string left = std::to_string(status.calls_allowed - std::min(status.calls_allowed, status.calls_used));
  const std::string low = std::to_string(std::max(status.calls_reserved, status.calls_allowed / 10));
  std::string html = left + " of " + all + " left<meter min=\"0\"" + html_attribute("max", all) +
                     html_attribute("low", low) + html_attribute("optimum", all) + html_attribute("value", left) +
                     html_attribute("aria-label", "calls left") + "></meter>";
  if (status.window_end) html += aside("resets " + html_time(*status.window_end, now));
  return table_cell("budget", html);
}

class Facts {
 public:
  explicit Facts(WallTime now) : now_(now) {}

  void add(std::string_view name, const std::string& html) {
    html_ += "<div><dt>" + std::string(name) + "</dt><dd>" + html + "</dd></div>";
  }
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, html_escaped(value));
  }
  void time(std::string_view name, std::optional<WallTime> at, const std::string& why = {}) {
    if (at) add(name, html_time(*at, now_) + (why.empty() ? "" : ": " + html_escaped(why)));
  }
  [[nodiscard]] std::string list() const { return "<dl>" + html_ + "</dl>"; }

 private:
  WallTime now_;
  std::string html_;
};

std::string counts_of(const TokenStatus& status) {
  const std::array<std::pair<const char*, std::uint64_t>, 6> all{{{"fetches", status.fetches},
                                                                  {"failed", status.fetch_failures},
                                                                  {"published", status.publications},
                                                                  {"refused publications", status.publications_refused},
                                                                  {"refused records", status.records_refused},
                                                                  {"reported rejections", status.rejections_reported}}};
  std::string text;
  for (const auto& [name, count] : all) text += (text.empty() ? "" : ", ") + std::to_string(count) + ' ' + name;
  return text;
}

std::string output_words(const OutputStatus& output) {
  std::string text = output.path + ": " + to_string(output.state);
  if (!output.last_error.empty()) text += ": " + output.last_error;
  if (!output.on_change) return text;
  text += "; " + output.on_change->action;
  return output.on_change->last_error.empty() ? text : text + ": " + output.on_change->last_error;
}

std::string fact_list(const TokenStatus& status, WallTime now) {
  Facts facts(now);
  facts.text("Source", status.source);
  facts.text("Type", status.type);
  facts.text("Generation", status.generation == 0 ? std::string() : std::to_string(status.generation));
  facts.text("Phase", to_string(status.phase));
  facts.time("Issued", status.issued_at);
  facts.time("Refresh due", status.refresh_at);
  facts.time("Expires", status.expires_at);
  facts.text("Grace", duration_words(status.grace) + ", spread " + duration_words(status.spread));
  facts.time("Previous token accepted until", status.previous_accept_until);
  facts.time("Paused until", status.paused_until, status.pause_reason);
  facts.text("Fence", status.fence == 0 ? std::string() : std::to_string(status.fence));
  facts.time("Last fetch by this host", status.last_fetch_at);
  facts.text("Since the agent started", counts_of(status));
  facts.time("Last error", status.last_error_at, status.last_error);
  for (const OutputStatus& output : status.outputs) facts.text("Output", output_words(output));
  return facts.list();
}

// The newest first, and not all: a page of a thousand tokens is large without them.
std::string history_list(const std::string& name, const TokenPast& past, WallTime now) {
  if (past.empty()) return {};
  std::string html = "<h3>History</h3><ol class=\"history\">";
  const std::ptrdiff_t shown = std::min(std::ssize(past), shown_events);
  for (auto event = past.rbegin(); event != past.rbegin() + shown; ++event) {
    html += "<li>" + html_time(event->at, now) + ' ' + html_escaped(event_words(*event)) + "</li>";
  }
  html += "</ol>";
  if (shown == std::ssize(past)) return html;
  return html + "<p>" + std::to_string(std::ssize(past) - shown) + " more: <code>jetonctl history " +
         html_escaped(name) + "</code></p>";
}

}  // namespace

// The summary, and below it, when the row is opened, the rest and the history. It opens without JavaScript, too.
// The rank gives page.js the order of rows_text().
std::string row_of(const AgentFacade& facade, const TokenStatus& token, WallTime now) {
  const TokenHistory* const history = facade.token_history(token.name);
  const TokenPast past = history == nullptr ? TokenPast() : history->events();
  const TokenCondition condition = condition_of(token, now);
  std::string html = "<tbody role=\"rowgroup\"" + html_attribute("class", "token " + std::string(condition.kind)) +
                     html_attribute("data-name", token.name) +
                     html_attribute("data-rank", std::to_string(condition.rank)) + "><tr role=\"row\">";
  html += "<th scope=\"row\" role=\"rowheader\"><details><summary>" + html_escaped(token.name) +
          "</summary></details></th>";
  html += table_cell("state", "<span class=\"badge\">" + std::string(condition.word) + "</span>");
  html += table_cell("life", timeline_svg(token, past, now)) + expiry_cell(token, now) + lock_cell(token) +
          budget_cell(token, now);
  html += "</tr>" + trouble_row(token) + "<tr role=\"row\" class=\"more\"><td role=\"cell\" colspan=\"6\">" +
          fact_list(token, now) + history_list(token.name, past, now) + "</td></tr></tbody>";
  return html;
}

}  // namespace jeton::agent
