// LocalLockStore: a LockStore of this host alone, for development and single hosts: in the agent's memory, written down
// so that locks outlive a restart of the agent (local_lock_file.hpp). Key and protocol of other clients mean nothing
// here. A lock that runs out is told like a release.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

class LocalLockStore final : public LockStore {
 public:
  // The directory is made (0700) by start(). Timers outlive the store.
  LocalLockStore(Timers& timers, std::filesystem::path directory);
  ~LocalLockStore() override;

  Task<LockTry> try_acquire(LockId id, LockClaim claim) override;
  Task<bool> extend(LockId id, Lease& lease) override;
  Task<bool> release(LockId id, std::string owner) override;
  Task<bool> force_release(LockId id) override;
  Task<LockView> show(LockId id) override;
  void listen(const LockId& id, std::function<void()> woken) override;
  [[nodiscard]] BackendHealth health() const override;
  // Throws Error if the directory cannot be used.
  void start() override;
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
