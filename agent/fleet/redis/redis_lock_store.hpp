// RedisLockStore: a LockStore on one Redis server, the primary that Sentinels name, or a Cluster. Its connections are
// its own, so that neither the locks of applications nor the fleet's tokens hold the other up.
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redis/redis_coordinator.hpp"

namespace jeton::agent {

class RedisLockStore final : public LockStore {
 public:
  // Timers and random outlive the store. Of the options, those about records are not used.
  RedisLockStore(Timers& timers, Random& random, RedisCoordinatorOptions options);
  ~RedisLockStore() override;

  Task<LockTry> try_acquire(LockId id, LockClaim claim) override;
  Task<bool> extend(LockId id, Lease& lease) override;
  Task<bool> release(LockId id, std::string owner) override;
  Task<bool> force_release(LockId id) override;
  Task<LockView> show(LockId id) override;
  void listen(const LockId& id, std::function<void()> woken) override;
  [[nodiscard]] BackendHealth health() const override;
  void start() override;
  // A lock that may have been taken without an answer is still taken back first, within one command's time.
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
