// Examines a Redis server for an operator (`jetonctl doctor`): is it connected, what does it say about itself, does it
// take writes, and may this agent's user do what the agent does. Each question has the timeout of the connection, and
// the first one without an answer ends the examination.
//
// It changes nothing: the keys that it names exist on no server, and SET is asked to write only a key that exists.
#pragma once

#include <memory>
#include <vector>

#include "agent/base/finding.hpp"
#include "agent/base/task.hpp"
#include "agent/fleet/redis/redis_server.hpp"
#include "agent/fleet/redis/server_facts.hpp"

namespace jeton::agent {

// `tokens`: those whose keys of other clients (lock.key, mirror_key) are to be reachable too. Does not throw
// TransportError: it is a finding.
Task<Findings> examine_server(std::shared_ptr<RedisServer> server, ServerTerms terms, std::vector<Subject> tokens);

}  // namespace jeton::agent
