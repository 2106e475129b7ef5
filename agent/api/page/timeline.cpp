// The timeline of a token on the status page (status_page.hpp).
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/api/page/status_page.hpp"
#include "agent/api/token_condition.hpp"

namespace jeton::agent {
namespace {

constexpr Milliseconds without_a_token = std::chrono::minutes(30);  // before and after now

// The part of time that the picture shows.
class Scale {
 public:
  Scale(WallTime from, WallTime to) : from_(from), to_(std::max(to, from + Milliseconds(1))) {}

  // So the token's issue is at the same place in each row; an expired one lasts until now, for one life at most.
  static Scale of(const TokenStatus& status, WallTime now) {
    if (!status.issued_at || !status.expires_at || *status.expires_at <= *status.issued_at) {
      return {now - without_a_token, now + without_a_token};
    }
    const Milliseconds life = *status.expires_at - *status.issued_at;
    const Milliseconds rest = std::clamp(now - *status.expires_at, life / 25, life);
    return {*status.issued_at - life / 2, *status.expires_at + rest};
  }

  [[nodiscard]] WallTime from() const { return from_; }
  [[nodiscard]] WallTime to() const { return to_; }
  [[nodiscard]] bool shows(WallTime at) const { return from_ <= at && at <= to_; }
  // Hundredths of a percent.
  [[nodiscard]] long place(WallTime at) const {
    const auto whole = static_cast<double>((to_ - from_).count());
    const double part = static_cast<double>((at - from_).count()) / whole;
    return std::lround(std::clamp(part, 0.0, 1.0) * 10'000);
  }

 private:
  WallTime from_;
  WallTime to_;
};

std::string percent(long hundredths) {
  const std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + '.' + (rest.size() < 2 ? "0" : "") + rest + '%';
}

std::string svg_title(std::string_view text) { return "<title>" + html_escaped(text) + "</title>"; }

// Empty if nothing of it is shown.
std::string svg_bar(const Scale& scale, std::string_view kind, WallTime from, WallTime to, int y, int height,
                    const std::string& text) {
  const long begin = scale.place(from);
  const long end = scale.place(to);
  if (end <= begin) return {};
  return "<rect" + html_attribute("class", kind) + html_attribute("x", percent(begin)) +
         html_attribute("width", percent(end - begin)) + html_attribute("y", std::to_string(y)) +
         html_attribute("height", std::to_string(height)) + ">" + svg_title(text) + "</rect>";
}

// The shapes are in the page's <defs>, once for all rows.
std::string svg_mark(const Scale& scale, std::string_view kind, WallTime at, const std::string& text) {
  if (!scale.shows(at)) return {};
  return "<use" + html_attribute("class", kind) + html_attribute("href", "#mark-" + std::string(kind)) +
         html_attribute("x", percent(scale.place(at))) + " y=\"15\">" + svg_title(text) + "</use>";
}

// Empty: none. The lock is taken in the same moment as the fetch that it is for.
std::string_view mark_of(const HistoryEvent& event) {
  struct Mark {
    std::string_view event;
    std::string_view kind;
  };
  constexpr std::array<Mark, 10> marks{{{"fetched", "refreshed"},
                                        {"received", "refreshed"},
                                        {"again", "refreshed"},
                                        {"lock", ""},
                                        {"failed", "failed"},
                                        {"blocked", "failed"},
                                        {"outage", "failed"},
                                        {"segment", "failed"},
                                        {"spent", "failed"},
                                        {"state", "failed"}}};
  const auto* const found =
      std::find_if(marks.begin(), marks.end(), [&](const Mark& mark) { return mark.event == event.event; });
  return found == marks.end() ? "other" : found->kind;
}

// Marks of one kind that would lie on each other are one, the newest: a failing token has a hundred failures in a row.
std::string marks_of(const Scale& scale, const TokenPast& past) {
  constexpr long apart = 100;  // hundredths of a percent
  std::string out;
  std::map<std::string_view, long> last;
  for (auto event = past.rbegin(); event != past.rend(); ++event) {
    const std::string_view kind = mark_of(*event);
    const long place = scale.place(event->at);
    const auto drawn = last.find(kind);
    if (kind.empty() || (drawn != last.end() && drawn->second - place < apart)) continue;
    last[kind] = place;
    out.insert(0, svg_mark(scale, kind, event->at, utc_text(event->at) + ' ' + event_words(*event)));
  }
  return out;
}

// Each token before this one lasted until the next came.
std::string lives_before(const Scale& scale, const TokenPast& past, std::optional<WallTime> issued) {
  std::string out;
  std::optional<WallTime> begin;
  const auto end_at = [&](WallTime end) {
    if (begin) out += svg_bar(scale, "before", *begin, end, 11, 8, "an earlier token, since " + utc_text(*begin));
  };
  for (const HistoryEvent& event : past) {
    if (mark_of(event) != "refreshed") continue;
    end_at(event.at);
    begin = event.at;
  }
  if (issued) end_at(*issued);
  return out;
}

std::string picture_label(const TokenStatus& status, const TokenPast& past) {
  std::string text = status.issued_at ? "issued " + utc_text(*status.issued_at) : "no token";
  if (status.refresh_at) text += ", refresh due " + utc_text(*status.refresh_at);
  if (status.expires_at) text += ", expires " + utc_text(*status.expires_at);
  const auto count = [&](std::string_view kind) {
    const auto is_of_kind = [&](const HistoryEvent& event) { return mark_of(event) == kind; };
    return std::to_string(std::count_if(past.begin(), past.end(), is_of_kind));
  };
  return text + "; before: " + count("refreshed") + " refreshed, " + count("failed") + " failed";
}

}  // namespace

std::string timeline_svg(const TokenStatus& status, const TokenPast& past, WallTime now) {
  const Scale scale = Scale::of(status, now);
  std::string out = "<svg class=\"life\" role=\"img\" width=\"100%\" height=\"30\" data-from=\"" +
                    std::to_string(to_unix_ms(scale.from())) + "\" data-to=\"" +
                    std::to_string(to_unix_ms(scale.to())) + '"' +
                    html_attribute("aria-label", picture_label(status, past)) + '>';
  out += lives_before(scale, past, status.issued_at);
  if (status.issued_at && status.expires_at) {
    const WallTime issued = *status.issued_at;
    const WallTime expires = *status.expires_at;
    out += svg_bar(scale, "whole", issued, expires, 9, 12,
                   "issued " + utc_text(issued) + ", expires " + utc_text(expires));
    const WallTime grace = std::max(issued, expires - status.grace);
    out += svg_bar(scale, "grace", grace, expires, 9, 12, "grace: refreshed from " + utc_text(grace) + " on");
    out +=
        svg_bar(scale, "spent", issued, std::min(now, expires), 9, 12, "its life so far, issued " + utc_text(issued));
    if (now > expires) out += svg_bar(scale, "without", expires, now, 13, 4, "expired " + utc_text(expires));
    if (status.previous_accept_until) {
      out += svg_bar(scale, "overlap", issued, *status.previous_accept_until, 23, 3,
                     "the previous token is accepted until " + utc_text(*status.previous_accept_until));
    }
  }
  if (status.paused_until) {
    out += svg_bar(scale, "pause", now, *status.paused_until, 4, 3,
                   "paused until " + utc_text(*status.paused_until) + ": " + status.pause_reason);
  }
  if (status.refresh_at) {
    out += svg_mark(scale, "due", *status.refresh_at, "refresh due " + utc_text(*status.refresh_at));
  }
  out += marks_of(scale, past);
  const std::string here = percent(scale.place(now));
  out += "<line class=\"now\"" + html_attribute("x1", here) + html_attribute("x2", here) +
         " y1=\"2\" y2=\"28\"><title>now</title></line>";
  return out + "</svg>";
}

std::string event_words(const HistoryEvent& event) {
  std::string words = event.event;
  if (!event.host.empty()) words += " by " + event.host;
  if (event.lasts) words += ", pause of " + duration_words(*event.lasts);
  if (!event.text.empty()) words += ": " + event.text;
  return words;
}

}  // namespace jeton::agent
