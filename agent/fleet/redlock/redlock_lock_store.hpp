// RedlockLockStore: a LockStore on N Redis servers that share nothing: the lock of redlock_lock.hpp under the names of
// applications. Its connections are its own. What redlock_coordinator.hpp asks of the servers holds here as well.
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redlock/redlock_coordinator.hpp"

namespace jeton::agent {

class RedlockLockStore final : public LockStore {
 public:
  // Timers and random outlive the store. Throws Error like RedlockCoordinator.
  RedlockLockStore(Timers& timers, Random& random, const RedlockCoordinatorOptions& options);
  ~RedlockLockStore() override;

  Task<LockTry> try_acquire(LockId id, LockClaim claim) override;
  Task<bool> extend(LockId id, Lease& lease) override;
  Task<bool> release(LockId id, std::string owner) override;
  Task<bool> force_release(LockId id) override;
  // As a majority has it: what a minority holds excludes nobody.
  Task<LockView> show(LockId id) override;
  void listen(const LockId& id, std::function<void()> woken) override;
  [[nodiscard]] BackendHealth health() const override;
  void start() override;
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
