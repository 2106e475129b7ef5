// The answers of the local API below /v1/tokens/NAME.
//
//   GET  /v1/tokens/NAME            any local user       one token, no secret
//   GET  /v1/tokens/NAME/history    any local user       the last events on this host (token_json.hpp)
//   GET  /v1/tokens/NAME/events     the token's readers  NDJSON, a line per change
//   POST /v1/tokens/NAME/rejected   the token's readers  {"generation": G}: the provider refused that token
//   POST /v1/tokens/NAME/refresh    agent.admins         a new token now, within min_interval and budget
// The two commands answer at once, 200 if a newer token is there, else 202 with the time of its fetch
// (status_json.hpp); the token itself comes through the segment.
#pragma once

#include <string>
#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/api/response.hpp"

namespace jeton::agent {

// `rest`: the part of the path behind /v1/tokens/.
[[nodiscard]] ApiResponse token_route(std::string_view rest, const ApiRequest& request, const Peer& peer,
                                      AgentFacade& facade, AccountNames& names, WallTime now);

// The stream behind the answer TokenEvents (token_stream.cpp): sends the events of the token until the client goes, the
// token leaves the configuration or the client may not read it any more. The lines are Event in status_json.hpp;
// without a change there is one every `heartbeat`. Arguments by reference outlive the task.
Task<> send_token_events(AgentFacade& facade, AccountNames& names, const Clock& clock, const Peer& peer,
                         Duration heartbeat, std::string token, LineStream& lines);

}  // namespace jeton::agent
