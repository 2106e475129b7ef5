// dial(): a transport to a server by its name, over the addresses of the name one after the other.
#pragma once

#include <memory>
#include <string>

#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

struct Dialed {
  std::unique_ptr<Transport> transport;
  std::string ip;  // that answered; empty: a unix socket
};

// With TLS the certificate must be for the name, unless `tls` says otherwise. Throws TransportError, and SetupError if
// that is the reason at one of the addresses.
Task<Dialed> dial(Timers& timers, NameResolver resolve, Connector connect, Address address, TlsOptions tls,
                  BootTime deadline, ConnectAttempt& attempt);

// Whether the host of the address is a name, which must be resolved.
[[nodiscard]] bool is_name(const Address& address);

}  // namespace jeton::agent::redis
