// One call of the agent's local API (libclient/README.md), for the few functions that need the agent itself.
//
// The caller gets the status of an answer, and the message of an error; the news about a token is in its segment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jeton::client {

// The limit for a call, connecting included: a second.
inline constexpr std::int64_t agent_call_timeout_ms = 1000;

enum class AgentAnswer {
  not_asked,    // errno says why there is no descriptor for it
  unreachable,  // no agent takes the call
  silent,       // it was taken and not answered in time, or not in HTTP
  answered
};

// The agent's error message, terminated; empty: there is none.
struct AgentError {
  char message[512] = "";
};

// Sends "METHOD PATH" with the JSON `body` (may be empty) to DIRECTORY/agent.sock. `*status` is that of HTTP. `error`
// may be NULL.
[[nodiscard]] AgentAnswer call_agent(const char* directory, const char* method, const char* path, const char* body,
                                     int* status, AgentError* error = nullptr) noexcept;

}  // namespace jeton::client
