// The answers of the agent as text for people. On a terminal a table is as wide as that.
// An answer of another version may lack members: a missing member is shown as "-".
#pragma once

#include <string>

#include "libclient/ctl/api_client.hpp"

namespace jeton::ctl {

// The text for an answer of /v1/status: the agent, the coordinator, and a line for each token, the worst first.
[[nodiscard]] std::string agent_text(const Json& status);
// The text for an answer of /v1/tokens/NAME: every figure, and the calculation of the time of the refresh.
[[nodiscard]] std::string token_text(const Json& token);

}  // namespace jeton::ctl
