// The answers of the agent and the states of segments as text for people. On a terminal a table is as wide as that.
// An answer of another version may lack members: a missing member is shown as "-".
#pragma once

#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

// Of /v1/status: the agent, the coordinator, and a line a token, the worst first.
[[nodiscard]] std::string agent_text(const Json& status);
// Of /v1/tokens/NAME: every figure, and how the time of the refresh comes about.
[[nodiscard]] std::string token_text(const Json& token);
// The status without an agent, from the segments.
[[nodiscard]] std::string segments_text(const std::vector<SegmentState>& segments);

}  // namespace jeton::ctl
