// The greeting: the commands on a new connection to a Redis server before its use.
//
// Some commands are required by the configuration: AUTH with a password, SELECT with a database, ROLE behind sentinels.
// The others (CLIENT SETNAME, PING, HELLO, INFO) only give information; a server may rename or refuse them in any way.
// An error that says that the server cannot be used at all (no password, loading, protected mode) counts for every
// command.
#pragma once

#include <string>

#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

struct Greeting {
  std::string mode;  // "standalone", "cluster", ...; empty: it does not say
};

// `display` is put before errors: a ServerError if a required command is refused, a SetupError for a server of another
// kind than Redis. `options` outlive the task; `identified` is called in it.
Task<Greeting> greet(Connection& connection, const ConnectOptions& options, std::string display, BootTime deadline);

}  // namespace jeton::agent::redis
