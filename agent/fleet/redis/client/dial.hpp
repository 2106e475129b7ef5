// The way to a server that can be used: dial() connects to an address of its name, log_in() authenticates, and greet()
// sends the commands that a new connection to a Redis server begins with.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/secret.hpp"
#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

// Tries the addresses of the name one after the other, `last` behind the others: one that was reached and of no use.
// With TLS the certificate must be for the name, unless `tls` says otherwise. An operator must act if that is so at one
// of the addresses. Throws TransportError if the name cannot be resolved.
Task<Connected> dial(Timers& timers, NameResolver resolve, Connector connect, Address address, TlsOptions tls,
                     BootTime deadline, ConnectAttempt& attempt, std::string last = {});

// Whether the host of the address is a name, which must be resolved.
[[nodiscard]] bool is_name(const Address& address);

// The first address of the name, if `ip` is not among its addresses any more. Empty: it is, or the name cannot be
// resolved.
Task<std::string> new_address(Timers& timers, NameResolver resolve, std::string name, std::string ip, BootTime deadline,
                              ConnectAttempt& attempt);

// AUTH to a Redis server or a sentinel, unless there is no password. `where` is put before the error, a ServerError if
// the server refuses. An empty function is as one with an empty result.
Task<> log_in(Connection& connection, std::string where, std::function<SecretString()> username,
              std::function<SecretString()> password, BootTime deadline);

struct Greeting {
  std::string mode{};     // of the server, "standalone" or "cluster" for example; empty: it does not say
  std::string failure{};  // the connection broke, or an answer did not come in time
};

// Logs in and sends the other commands before the use of a connection.
//
// Some commands are required by the configuration: AUTH with a password, SELECT with a database, ROLE behind sentinels.
// The others (CLIENT SETNAME, PING, HELLO, INFO) only give information; a server may rename or refuse them in any way.
// An error that says that the server cannot be used at all (no password, loading, protected mode) counts for every
// command.
//
// `display` is put before errors: a ServerError if a required command is refused, a SetupError for a server of another
// kind than Redis. `options` outlive the task; `identified` is called in it.
Task<Greeting> greet(Connection& connection, const ConnectOptions& options, std::string display, BootTime deadline);

}  // namespace jeton::agent::redis
