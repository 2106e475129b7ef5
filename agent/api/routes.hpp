// What the local API answers: a request and its peer in, a response out. No I/O, no HTTP library.
//
//   GET /v1/status               any local user   the whole agent (status_json.hpp)
//   GET /v1/tokens/NAME          any local user   one token, no secret
//   GET /v1/tokens/NAME/events   the token's readers   NDJSON, a line per change
//   POST /v1/tokens/NAME/rejected   the token's readers   {"generation": G}: the provider refused that token
//   POST /v1/tokens/NAME/refresh    agent.admins   a new token now, within min_interval and budget
//   POST /v1/reload              agent.admins   as SIGHUP; answers with the verdict: 200, or 409 reload_refused
//   /v1/locks/NAME...            lock_routes.hpp
//   GET /live                    any              200 while the loop turns
//   GET /ready                   any              200 if every token is valid, 503 otherwise
// The two commands answer at once, 200 if a newer token is there, else 202 with when it is fetched (status_json.hpp);
// the token itself comes through the segment. HEAD is answered like GET, without the body. Errors: 400 bad_request,
// 403 forbidden, 404 unknown_token or not_found, 405 method_not_allowed, 409 unknown_generation; 413, 431, 500 and 503
// come from the connection.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/api/agent_facade.hpp"
#include "agent/api/peer.hpp"

namespace jeton::agent {

struct ApiRequest {
  std::string method;
  std::string target;  // as sent: path, percent-encoded, and query
  std::string body;
};

struct ApiResponse {
  unsigned status = 200;
  std::string body{};                          // JSON
  std::string allow{};                         // of a 405: the methods that are allowed
  std::string events{};                        // set: instead of the body, the events of this token follow
  std::function<Task<ApiResponse>()> later{};  // set: gives the answer, is kept until then; throws TransportError
  std::shared_ptr<LockSession> lock{};         // set: it is answered by what becomes of this (lock_json.hpp)
};

[[nodiscard]] ApiResponse answer(const ApiRequest& request, const Peer& peer, AgentFacade& facade, AccountNames& names,
                                 WallTime now);

// {"error": ...} with this status.
[[nodiscard]] ApiResponse error_response(unsigned status, const std::string& code, const std::string& message);

}  // namespace jeton::agent
