// What the agent's answers say about itself and its tokens, for `jetonctl doctor`. Pure functions.
#pragma once

#include "libclient/ctl/finding.hpp"

namespace jeton::ctl {

// `status`: an answer of GET /v1/status. `version`: of this program.
[[nodiscard]] Findings judge_agent(const Json& status, const std::string& version);
// Of each token: its state, pause, last error and budget.
[[nodiscard]] Findings judge_tokens(const Json& status);

}  // namespace jeton::ctl
