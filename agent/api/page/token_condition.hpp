// TokenCondition: how a token is, in a word, and how much it needs a person: the order of the status page. Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

struct TokenCondition {
  int rank = 0;           // 0 needs a person most
  std::string_view kind;  // of the page's style: "bad", "warn", "busy", "good"
  std::string_view word;  // for people
};

[[nodiscard]] TokenCondition condition_of(const TokenStatus& status, WallTime now);
// The last error, or that of an output. Empty: none.
[[nodiscard]] std::string trouble_of(const TokenStatus& status);

}  // namespace jeton::agent
