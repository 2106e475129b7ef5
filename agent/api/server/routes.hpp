// The paths of the local API, each with the part of the agent that answers it. No I/O, no HTTP library.
//
//   GET  /v1/status      any local user   the whole agent (status_json.hpp)
//   /v1/tokens/NAME...   tokens/token_routes.hpp
//   /v1/locks[/NAME...]  locks/lock_routes.hpp
//   POST /v1/reload      agent.admins     as SIGHUP; answers with the verdict: 200, or 409 reload_refused
//   GET  /v1/log-level   any local user   {"level": "info"}
//   POST /v1/log-level   agent.admins     {"level": "debug"}: from now on, until a restart or a reload that changes it
//   GET  /v1/doctor      agent.admins     examines what the agent depends on, for some seconds at most
//   GET  /live           any              200 while the loop turns
//   GET  /ready          any              200 if every token is valid, 503 otherwise, with the reasons
//   GET  /metrics        any              text for Prometheus, or OpenMetrics if Accept asks for it
// HEAD is answered like GET, without the body. Errors: 400 bad_request, 403 forbidden, 404 unknown_token or not_found,
// 405 method_not_allowed, 409 unknown_generation; 413, 431, 500 and 503 come from the connection.
#pragma once

#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/api/response.hpp"

namespace jeton::agent {

using ApiRoutes = ApiResponse(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                              WallTime now);

[[nodiscard]] ApiResponse answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                                 WallTime now);
// Only /live, /ready and /metrics: for agent.listen, whose clients are unknown, beside the status page
// (page/page_feed.hpp).
[[nodiscard]] ApiResponse monitoring_answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade,
                                            AccountNames& names, WallTime now);
// "tokens" for all tokens, "other" for a path that does not exist; a constant, for ApiTally.
[[nodiscard]] std::string_view path_kind(std::string_view target);

}  // namespace jeton::agent
