// The greeting: the commands on a new connection to a Redis server before its use.
//
// Needed is what the deployment asks for: AUTH with a password, SELECT with a database, ROLE behind sentinels. The rest
// (CLIENT SETNAME, PING, HELLO, INFO) shows something or tells it, and may be renamed or refused in any form. An error
// that says that the server is of no use at all (no password, loading, protected mode) counts wherever it comes.
#pragma once

#include <string>

#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

struct Greeting {
  std::string mode;  // "standalone", "cluster", ...; empty: it does not say
};

// `display` is put before errors: a ServerError if something needed is refused, a SetupError for a server of another
// kind than Redis. `options` outlive the task; `identified` is called in it.
Task<Greeting> greet(Connection& connection, const ConnectOptions& options, std::string display, BootTime deadline);

}  // namespace jeton::agent::redis
