// The lock store on one RedisServer, and what it has in common with the one on a quorum. Both share their servers with
// a coordinator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent {

[[nodiscard]] std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server);

[[nodiscard]] inline Subject subject_of(const LockId& id) { return {Subject::Kind::lock, id.name, {id.terms, {}}}; }

// ReleaseListeners: by lock, the function that is called when it was released or a release may have been missed.
class ReleaseListeners {
 public:
  // What is to be subscribed for this lock from now on; it lives until the next call about the lock. Null for null.
  [[nodiscard]] FleetListener* set(const LockId& id, std::function<void()> woken);
  void clear() { listeners_.clear(); }

 private:
  std::map<std::string, std::unique_ptr<FleetListener>> listeners_;
};

}  // namespace jeton::agent
