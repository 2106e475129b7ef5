// The life of one token as a picture (SVG): the time before it with its events, from its issue to its expiry, the grace
// at its end, the overlap with the token before, a pause, and now. Each token has its own scale. Everything is placed
// by attributes and percentages: the page's policy allows no style attribute, and the picture has any width. A pure
// function, any thread.
#pragma once

#include <deque>
#include <string>

#include "agent/refresh/token_history.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

using TokenPast = std::deque<HistoryEvent>;  // the oldest first

[[nodiscard]] std::string timeline_svg(const TokenStatus& status, const TokenPast& past, WallTime now);

// "failed by host-1, pause of 5 s: the provider answered 500".
[[nodiscard]] std::string event_words(const HistoryEvent& event);

}  // namespace jeton::agent
