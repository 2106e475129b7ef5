// The history of a token as JSON: the answer to GET /v1/tokens/NAME/history, and what the agent keeps of it over a
// restart.
//
// {name, now_ms, events: [{at_ms, age_ms, event, generation, host, lasts_ms, text}]}, the oldest first; `event` is one
// of token_history.hpp. A missing value is null. No secret.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "agent/refresh/token_history.hpp"

namespace jeton::agent {

[[nodiscard]] std::string history_json(const std::string& name, const std::deque<HistoryEvent>& events, WallTime now);

// The events of such a document; those that are none are left out, and the last ones count if there are too many.
[[nodiscard]] std::deque<HistoryEvent> read_history(std::string_view text);

}  // namespace jeton::agent
