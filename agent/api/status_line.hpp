// The line that systemd is given as STATUS=, which `systemctl status jeton-agent` shows: how the tokens are, by the
// judgement of the status page. No secret. A pure function, any thread.
#pragma once

#include <string>

#include "agent/api/agent_facade.hpp"

namespace jeton::agent {

// "3 tokens valid, next refresh in 4m10s", or "2 of 3 tokens valid; orders is expired: provider answered 503; the
// coordinator (redis) is unreachable".
[[nodiscard]] std::string status_line(const AgentStatus& status);

}  // namespace jeton::agent
