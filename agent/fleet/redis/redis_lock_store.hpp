// The lock store on one RedisServer, and SharedLockStore: its common part with the lock store on a quorum. Both
// share their servers with a coordinator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "agent/fleet/lock_store.hpp"
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

// `State` outlives the store until the calls under way have ended. It has the calls as static functions that keep it,
// and: stopped, all_servers(), subscribe(subject, listener), unsubscribe_all(), health().
template <typename State>
class SharedLockStore final : public LockStore {
 public:
  explicit SharedLockStore(std::shared_ptr<State> state) : state_(std::move(state)), use_(state_->all_servers()) {}
  ~SharedLockStore() override { SharedLockStore::stop(); }

  Task<LockTry> try_acquire(LockId id, LockClaim claim) override {
    return State::try_acquire(state_, std::move(id), std::move(claim));
  }
  Task<bool> extend(LockId id, Lease& lease) override { return State::extend(state_, std::move(id), lease); }
  Task<bool> release(LockId id, std::string owner) override {
    return State::release(state_, std::move(id), std::move(owner));
  }
  Task<bool> force_release(LockId id) override { return State::force_release(state_, std::move(id)); }
  Task<LockView> show(LockId id) override { return State::show(state_, std::move(id)); }

  void listen(const LockId& id, std::function<void()> woken) override {
    auto listener = woken ? std::make_unique<ReleaseListener>(std::move(woken)) : nullptr;
    state_->subscribe(subject_of(id), listener.get());
    if (listener) {
      listeners_[id.name] = std::move(listener);
    } else {
      listeners_.erase(id.name);
    }
  }

  [[nodiscard]] BackendHealth health() const override { return state_->health(); }
  void start() override { use_.start(); }
  void stop() override {
    state_->stopped = true;
    use_.stop();
    state_->unsubscribe_all();
    listeners_.clear();
  }

 private:
  std::shared_ptr<State> state_;
  ServerUse use_;
  std::map<std::string, std::unique_ptr<ReleaseListener>> listeners_;
};

}  // namespace jeton::agent
