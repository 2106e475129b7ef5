// JSON about tokens besides their status (status_json.hpp): bodies of requests, and the history.
//
// History: {name, now_ms, events: [{at_ms, age_ms, event, generation, host, lasts_ms, text}]}, the oldest first;
// `event` is one of token_history.hpp. A missing value is null. No secret. It is the answer to
// GET /v1/tokens/NAME/history, and the part of it that the agent keeps over a restart.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/log.hpp"
#include "agent/refresh/token_history.hpp"

namespace jeton::agent {

[[nodiscard]] std::string history_json(const std::string& name, const std::deque<HistoryEvent>& events, WallTime now);
struct ReadHistory {
  std::deque<HistoryEvent> events{};  // those that can be read; the last ones if there are too many
  std::string damage{};               // what cannot be read; empty: nothing
};
[[nodiscard]] ReadHistory read_history(std::string_view text);

// Bodies are bounded by ApiLimits::body_bytes before they get here.
// Returns G of {"generation": G}; nothing if the text is anything else. Further members are ignored.
[[nodiscard]] std::optional<std::uint64_t> generation_in(const std::string& body);
// Returns the level of {"level": "debug"}.
[[nodiscard]] std::optional<log::Level> log_level_in(const std::string& body);

}  // namespace jeton::agent
