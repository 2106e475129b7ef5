// One token as rows of the status page's table: what everybody looks at, and below it, when it is opened, the rest and
// its history. The page opens it without JavaScript, too. Pure functions, any thread.
#pragma once

#include <string>

#include "agent/api/page/timeline.hpp"
#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

// A <tbody>.
[[nodiscard]] std::string token_row(const TokenStatus& status, const TokenPast& past, WallTime now);

// The worst first, then by name. The rows have the same order, as `data-rank`, for page.js.
[[nodiscard]] bool is_worse(const TokenStatus& a, const TokenStatus& b, WallTime now);

}  // namespace jeton::agent
