// EndpointResolver: finds the server to connect to if that can change: the primary that sentinels name, a node of a
// Cluster. A connection asks it before each attempt to connect, so every reconnect follows a failover, and periodically
// while connected, so a failover that breaks no connection is followed too. One thread: the loop's.
#pragma once

#include <string>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/fleet/redis/client/address.hpp"

namespace jeton::agent::redis {

class EndpointResolver {
 public:
  EndpointResolver() = default;
  EndpointResolver(const EndpointResolver&) = delete;
  EndpointResolver& operator=(const EndpointResolver&) = delete;
  virtual ~EndpointResolver() = default;

  // Throws TransportError that names the servers that it asked, and the problem.
  virtual Task<Address> resolve(BootTime deadline) = 0;
  // Whether the server must say that it is a primary (ROLE) before it is used.
  [[nodiscard]] virtual bool wants_primary() const = 0;

  // The origin of the address, for an operator: `sentinel "jeton"`. Empty: the address is enough.
  [[nodiscard]] virtual std::string origin() const { return {}; }
  // How often a connection checks that its server is still the right one; if not, it ends. Zero: never.
  [[nodiscard]] virtual Duration recheck_interval() const { return Duration{0}; }
  // The server to use now; `current` if there is no better answer.
  virtual Task<Address> recheck(Address current, BootTime /*deadline*/) { co_return current; }
  // Ends the calls that are under way, each with an error.
  virtual void interrupt() {}
};

}  // namespace jeton::agent::redis
