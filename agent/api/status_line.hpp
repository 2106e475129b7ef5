// How the tokens are, in words for people: on the status page, and in the line that systemd is given as STATUS=, which
// `systemctl status jeton-agent` shows. No secret. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/api/agent_facade.hpp"

namespace jeton::agent {

// How a token is, in a word, and how much it needs a person.
struct TokenCondition {
  int rank = 0;           // 0 needs a person most
  std::string_view kind;  // of the page's style: "bad", "warn", "busy", "good"
  std::string_view word;  // for people
};

[[nodiscard]] TokenCondition condition_of(const TokenStatus& status, WallTime now);
// The last error, or that of an output. Empty: none.
[[nodiscard]] std::string trouble_of(const TokenStatus& status);

enum class DurationForm { words, letters };
// The two largest units, without a sign: "3 d 4 h", "1 h 50 min", "45 s"; as letters "3d4h", "1h50m", "45s".
[[nodiscard]] std::string duration_words(Milliseconds duration, DurationForm form = DurationForm::words);

// "3 tokens valid, next refresh in 4m10s", or "2 of 3 tokens valid; orders is expired: provider answered 503; the
// coordinator (redis) is unreachable".
[[nodiscard]] std::string status_line(const AgentStatus& status);

}  // namespace jeton::agent
