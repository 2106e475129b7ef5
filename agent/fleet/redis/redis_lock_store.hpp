// The lock store on one RedisServer, which it shares with a coordinator; and what the lock store on a quorum needs too.
#pragma once

#include <memory>

#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent {

[[nodiscard]] std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server);

[[nodiscard]] inline Subject subject_of(const LockId& id) { return {Subject::Kind::lock, id.name, {id.terms, {}}}; }

// ReleaseListener: calls a function when a lock was released or a release may have been missed.
class ReleaseListener final : public FleetListener {
 public:
  explicit ReleaseListener(std::function<void()> woken) : woken_(std::move(woken)) {}
  void on_release() override { wake(); }
  void on_gap() override { wake(); }

 private:
  // Copied, because the callee may end its listening.
  void wake() const {
    const auto woken = woken_;
    woken();
  }
  std::function<void()> woken_;
};

}  // namespace jeton::agent
