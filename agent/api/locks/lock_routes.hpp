// The answers of the local API below /v1/locks/NAME. The rule that the name falls under decides what a user may do
// (agent/locks/lock_policy.hpp); without a rule the answer is no.
//
//   GET    /v1/locks               the names of locks that the user may take, as far as they are known here; for
//                                  agent.admins also those whose rule a reload has removed
//   POST   /v1/locks/NAME          a session: NDJSON, waiting?, acquired, renewed* (not_renewed*: why it may soon be
//                                  lost), lost; closing it releases, and so does whatever the client sends: then
//                                  the stream ends with "released", and if the request had "Connection: keep-alive"
//                                  the next request follows. In the body "names": more locks, all or none;
//                                  "owners": goes on with locks that were held at an agent that is gone.
//   POST   /v1/locks/NAME/acquire  a detached lock
//   POST   /v1/locks/NAME/extend   {"owner", "ttl_ms"}: the TTL is that from now on; sessions' locks, too
//   POST   /v1/locks/NAME/release  {"owner"}
//   GET    /v1/locks/NAME          the lock and its holder
//   DELETE /v1/locks/NAME          agent.admins: takes it from its holder
// Errors besides those of server/routes.hpp: 409 busy, 409 not_held, 429 too_many_locks, 503 coordinator_unreachable.
#pragma once

#include <string_view>

#include "agent/api/agent_facade.hpp"
#include "agent/api/response.hpp"

namespace jeton::agent {

[[nodiscard]] ApiResponse lock_list_route(const ApiRequest& request, const Peer& peer, AgentFacade& facade,
                                          AccountNames& names);
// `rest`: of the path behind /v1/locks/.
[[nodiscard]] ApiResponse lock_route(std::string_view rest, const ApiRequest& request, const Peer& peer,
                                     AgentFacade& facade, AccountNames& names);

}  // namespace jeton::agent
