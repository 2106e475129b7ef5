// The status page: one document with its style and its script, complete without either, which asks no other server for
// anything. page.html, page.css and page.js are its parts; page.js reads the news of PageFeed. No secret is in it: it
// is for every client of agent.listen. One thread: the loop's, which gets its turns between the rows: a thousand
// take longer than one should.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/agent_facade.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

// `seen`: the state of PageFeed that the page keeps. Timers and facade outlive the task.
[[nodiscard]] Task<std::string> status_page(Timers& timers, const AgentFacade& facade,
                                            std::shared_ptr<const AgentStatus> status, std::string seen);
// The rows of these tokens, the worst first, then by name, each as `form` makes it. The tokens, too, outlive the task.
[[nodiscard]] Task<std::string> rows_text(Timers& timers, const AgentFacade& facade,
                                          std::vector<const TokenStatus*> tokens, WallTime now,
                                          std::function<std::string(const std::string&)> form);
// The row of one token, a <tbody>, with what the agent knows of the token's past (token_row.cpp).
[[nodiscard]] std::string row_of(const AgentFacade& facade, const TokenStatus& token, WallTime now);

using TokenPast = std::deque<HistoryEvent>;  // the oldest first
// The life of one token as a picture (SVG, timeline.cpp): the time before it with its events, from its issue to its
// expiry, the grace at its end, the overlap with the previous token, a pause, and now. Each token has its own scale.
// Everything is placed by attributes and percentages: the page's policy allows no style attribute, and the picture has
// any width.
[[nodiscard]] std::string timeline_svg(const TokenStatus& status, const TokenPast& past, WallTime now);
// "failed by host-1, pause of 5 s: the provider answered 500".
[[nodiscard]] std::string event_words(const HistoryEvent& event);

// The part about the agent as a whole: tokens, coordinator, locks. Its times are relative to `now`.
[[nodiscard]] std::string agent_facts(const AgentStatus& status, WallTime now);
// Content-Security-Policy: this style, this script and this agent's news, and nothing else, in no frame.
[[nodiscard]] const std::string& page_policy();

// Texts of the page: escaped, and times as people read them. Every text from outside goes through html_escaped(), also
// names that cannot hold a mark: the rule has no exception to remember. Pure functions, any thread.

// For the content of an element and for a quoted attribute. Control characters become blanks.
[[nodiscard]] std::string html_escaped(std::string_view text);

// NAME="VALUE" with a blank before it; the value is escaped.
[[nodiscard]] std::string html_attribute(std::string_view name, std::string_view value);

// "in 1 h 50 min", "45 s ago", "now"; page.js says it in the same words.
[[nodiscard]] std::string relative_words(WallTime at, WallTime now);

// A <time> with the relative words, which page.js keeps up to date, and the moment itself for programs and on hover.
[[nodiscard]] std::string html_time(WallTime at, WallTime now);

}  // namespace jeton::agent
