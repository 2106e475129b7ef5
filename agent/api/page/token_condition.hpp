// TokenCondition: how a token is, in a word, and how much it needs a person: the order of the status page. A pure
// function, any thread.
#pragma once

#include <string_view>

#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

struct TokenCondition {
  int rank = 0;           // 0 needs a person most
  std::string_view kind;  // of the page's style: "bad", "warn", "busy", "good"
  std::string_view word;  // for people
};

[[nodiscard]] TokenCondition condition_of(const TokenStatus& status, WallTime now);

}  // namespace jeton::agent
