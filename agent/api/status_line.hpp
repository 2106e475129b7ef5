// The agent's status as one line for people: STATUS= of systemd, as `systemctl status jeton-agent` shows it. No secret.
//
// "3 tokens valid, next refresh in 4m10s", or "2 of 3 tokens valid; orders is expired: provider answered 503; the
// coordinator (redis) is unreachable".
#pragma once

#include <string>

#include "agent/api/agent_facade.hpp"

namespace jeton::agent {

[[nodiscard]] std::string status_line(const AgentStatus& status);

}  // namespace jeton::agent
