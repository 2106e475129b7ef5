// EndpointResolver: finds the server to connect to, where that can change: the primary that sentinels name, a node of a
// Cluster. Asked before each attempt to connect, so every reconnect follows a failover, and now and then while
// connected, so one that breaks no connection is followed too. One thread: the loop's.
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

  // Throws TransportError that says whom it asked and what was wrong.
  virtual Task<Address> resolve(BootTime deadline) = 0;
  // Whether the server must say that it is a primary (ROLE) before it is used.
  [[nodiscard]] virtual bool wants_primary() const = 0;

  // Who names the server, for an operator: `sentinel "jeton"`. Empty: the address says it all.
  [[nodiscard]] virtual std::string origin() const { return {}; }
  // How often a connection asks where the server is now; it ends if that is elsewhere. Zero: never.
  [[nodiscard]] virtual Duration recheck_interval() const { return Duration{0}; }
  // `current` if no source knows better.
  virtual Task<Address> recheck(Address current, BootTime /*deadline*/) { co_return current; }
  // Ends the questions that are under way, each with an error.
  virtual void interrupt() {}
};

}  // namespace jeton::agent::redis
