#include "agent/fleet/local/local_lock_store.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/local/local_lock_file.hpp"

namespace jeton::agent {

class LocalLockStore::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, std::filesystem::path directory) : timers_(timers), files_(std::move(directory)) {}

  void start() {
    if (std::exchange(started_, true)) return;
    for (auto& [name, lock] : files_.load(now())) hold(name, std::move(lock));
  }

  // What is held stays on file.
  void stop() {
    stopped_ = true;
    for (auto& [name, held] : held_) timers_.cancel(held.timer);
    held_.clear();
    listeners_.clear();
  }

  LockTry try_acquire(const LockId& id, const LockClaim& claim) {
    check_running();
    LockTry result;
    const BootTime since = now();
    if (const auto* held = find(id.name)) {
      result.busy_until = held->expires_at;
      result.holder = printable_owner(held->owner);
      result.note = note_of(*held);
      return result;
    }
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(timers_.clock().wall_now().time_since_epoch());
    LocalLock lock{claim.owner, 0, since + claim.ttl, claim.note, since};
    on_file([&] {
      lock.fence = files_.next_fence(static_cast<std::uint64_t>(std::max<std::int64_t>(1, micros.count())));
      files_.save(id.name, lock);
    });
    result.lease = Lease{lock.owner, lock.fence, claim.ttl, lease_valid_until(since, claim.ttl)};
    hold(id.name, std::move(lock));
    return result;
  }

  bool extend(const LockId& id, Lease& lease) {
    check_running();
    const auto* held = find(id.name);
    if (held == nullptr || held->owner != lease.owner) return false;
    const BootTime since = now();
    LocalLock lock = *held;
    lock.expires_at = since + lease.ttl;
    on_file([&] { files_.save(id.name, lock); });
    hold(id.name, std::move(lock));
    lease.valid_until = lease_valid_until(since, lease.ttl);
    return true;
  }

  bool release(const LockId& id, const std::string& owner) {
    check_running();
    const auto* held = find(id.name);
    if (held == nullptr || held->owner != owner) return false;
    let_go(id.name);
    return true;
  }

  bool force_release(const LockId& id) {
    check_running();
    if (find(id.name) == nullptr) return false;
    let_go(id.name);
    return true;
  }

  LockView show(const LockId& id) {
    check_running();
    LockView view;
    const auto* held = find(id.name);
    if (held == nullptr) return view;
    view.held = true;
    view.owner = printable_owner(held->owner);
    view.ttl = to_ms(held->expires_at - now());
    view.fence = held->fence;
    view.note = note_of(*held);
    return view;
  }

  [[nodiscard]] BackendHealth health() const {
    return {"local", files_.directory().string(), !stopped_ && last_error_.empty(), last_error_, {}};
  }

  void listen(const std::string& name, std::function<void()> woken) {
    if (!woken) {
      listeners_.erase(name);
      return;
    }
    listeners_[name] = std::move(woken);
    wake(name);  // what was released before was not heard
  }

 private:
  struct Held : LocalLock {
    Timers::Id timer = 0;
  };

  [[nodiscard]] LockNote note_of(const LocalLock& lock) const {
    LockNote note = lock.note;
    if (lock.taken_at) note.age = to_ms(now() - *lock.taken_at);
    return note;
  }
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  void check_running() const {
    if (stopped_ || !started_) throw TransportError("the local lock store is stopped");
  }

  template <typename Step>
  void on_file(Step step) {
    try {
      step();
      last_error_.clear();
    } catch (const Error& e) {
      last_error_ = e.what();
      throw TransportError(std::string("the lock cannot be written down: ") + e.what());
    }
  }

  // Null: free. The timer that ends a lock may be late, after a suspend for example.
  const Held* find(const std::string& name) {
    const auto held = held_.find(name);
    if (held == held_.end()) return nullptr;
    if (held->second.expires_at > now()) return &held->second;
    let_go(name);
    return nullptr;
  }

  void hold(const std::string& name, LocalLock lock) {
    Held& held = held_[name];
    if (held.timer != 0) timers_.cancel(held.timer);
    static_cast<LocalLock&>(held) = std::move(lock);
    held.timer = timers_.schedule(held.expires_at, [weak = weak_from_this(), name] {
      if (const auto self = weak.lock()) self->find(name);
    });
  }

  void let_go(const std::string& name) {
    const auto held = held_.find(name);
    timers_.cancel(held->second.timer);
    held_.erase(held);
    files_.remove(name);
    wake(name);
  }

  // Never from inside a call of the listener's.
  void wake(const std::string& name) {
    if (!listeners_.contains(name)) return;
    boost::asio::post(timers_.executor(), [weak = weak_from_this(), name] {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = self->listeners_.find(name);
      if (found == self->listeners_.end()) return;
      const auto woken = found->second;
      woken();
    });
  }

  Timers& timers_;
  LocalLockFiles files_;
  bool started_ = false;
  bool stopped_ = false;
  std::string last_error_;  // empty: the last write went well
  std::map<std::string, Held> held_;
  std::map<std::string, std::function<void()>> listeners_;
};

LocalLockStore::LocalLockStore(Timers& timers, std::filesystem::path directory)
    : impl_(std::make_shared<Impl>(timers, std::move(directory))) {}
LocalLockStore::~LocalLockStore() { impl_->stop(); }

Task<LockTry> LocalLockStore::try_acquire(LockId id, LockClaim claim) { co_return impl_->try_acquire(id, claim); }
Task<bool> LocalLockStore::extend(LockId id, Lease& lease) { co_return impl_->extend(id, lease); }
Task<bool> LocalLockStore::release(LockId id, std::string owner) { co_return impl_->release(id, owner); }
Task<bool> LocalLockStore::force_release(LockId id) { co_return impl_->force_release(id); }
Task<LockView> LocalLockStore::show(LockId id) { co_return impl_->show(id); }
void LocalLockStore::listen(const LockId& id, std::function<void()> woken) { impl_->listen(id.name, std::move(woken)); }
BackendHealth LocalLockStore::health() const { return impl_->health(); }
void LocalLockStore::start() { impl_->start(); }
void LocalLockStore::stop() { impl_->stop(); }

}  // namespace jeton::agent
