// The status page: one document with its style and its script, complete without either, which asks no other server for
// anything. page.html, page.css and page.js are its parts; page.js reads the news of PageFeed. No secret is in it: it
// is for everybody who reaches agent.listen. One thread: the
// loop's.
#pragma once

#include <string>

#include "agent/api/agent_facade.hpp"

namespace jeton::agent {

[[nodiscard]] std::string status_page(const AgentFacade& facade);
// Its row of one token, with what the agent knows of the token's past.
[[nodiscard]] std::string row_of(const AgentFacade& facade, const TokenStatus& token, WallTime now);
// The part about the agent as a whole: tokens, coordinator, locks.
[[nodiscard]] std::string agent_facts(const AgentStatus& status);
// Content-Security-Policy: this style, this script and this agent's news, and nothing else, in no frame.
[[nodiscard]] const std::string& page_policy();

}  // namespace jeton::agent
