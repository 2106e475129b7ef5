// How a token is, and how much it needs a person: the one judgement of the status page and of the status line. The
// status line itself, and durations in words, which both show. No secret. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/base/time.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

struct TokenCondition {
  int rank = 0;           // 0 needs a person most
  std::string_view kind;  // of the page's style: "bad", "warn", "busy", "good"
  std::string_view word;  // for people
};

[[nodiscard]] TokenCondition condition_of(const TokenStatus& status, WallTime now);
// Whether a person should look at it: "bad" or "warn".
[[nodiscard]] bool needs_a_look(const TokenCondition& condition);
// The last error, or that of an output. Empty: none.
[[nodiscard]] std::string trouble_of(const TokenStatus& status);

enum class DurationForm { words, letters };
// The two largest units, without a sign: "3 d 4 h", "1 h 50 min", "45 s"; as letters "3d4h", "1h50m", "45s".
[[nodiscard]] std::string duration_words(Milliseconds duration, DurationForm form = DurationForm::words);

// The line that systemd is given as STATUS=, which `systemctl status jeton-agent` shows: "3 tokens valid, next refresh
// in 4m10s", or "2 of 3 tokens valid; orders is expired: provider answered 503; the coordinator (redis) is
// unreachable".
[[nodiscard]] std::string status_line(const AgentStatus& status);

}  // namespace jeton::agent
