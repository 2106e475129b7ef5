// Locator: finds the server to connect to, where that can change: the primary that sentinels name, a node of a
// Cluster. Asked before each attempt to connect, so every reconnect follows a failover. One thread: the loop's.
#pragma once

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/redis/address.hpp"

namespace jeton::agent::redis {

class Locator {
 public:
  Locator() = default;
  Locator(const Locator&) = delete;
  Locator& operator=(const Locator&) = delete;
  virtual ~Locator() = default;

  // Throws TransportError that says whom it asked and what was wrong.
  virtual Task<Address> locate(BootTime deadline) = 0;
  // Whether the server must say that it is a primary (ROLE) before it is used.
  [[nodiscard]] virtual bool wants_primary() const = 0;
};

}  // namespace jeton::agent::redis
