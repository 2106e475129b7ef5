// The answers of the agent and the states of segments as text for people, 80 columns wide where the content allows.
// An answer of another version may lack members: a missing member is shown as "-".
#pragma once

#include <string>
#include <vector>

#include "libclient/ctl/api_client.hpp"
#include "libclient/ctl/segments.hpp"

namespace jeton::ctl {

// The text for an answer of /v1/status: the agent, the coordinator, and a few lines for each token.
[[nodiscard]] std::string agent_text(const Json& status);
// The text for an answer of /v1/tokens/NAME: every figure, and the calculation of the time of the refresh.
[[nodiscard]] std::string token_text(const Json& token);
// The status without an agent, from the segments.
[[nodiscard]] std::string segments_text(const std::vector<SegmentState>& segments);

}  // namespace jeton::ctl
