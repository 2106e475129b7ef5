// Backends: the coordinator and the lock store of one agent. They share their connections: these begin with the first
// start(), and end with the last stop() or destructor of the two, in either order. Neither needs the other to be used.
#pragma once

#include <memory>

#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

struct Backends {
  std::unique_ptr<Coordinator> coordinator;
  std::unique_ptr<LockStore> locks;
};

}  // namespace jeton::agent
