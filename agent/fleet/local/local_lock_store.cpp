// The lock store on this host (local_backend.hpp).
#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/local/local_lock_file.hpp"

namespace jeton::agent {
namespace {

class LocalLockStore final : public LockStore {
 public:
  LocalLockStore(Timers& timers, std::filesystem::path directory) : timers_(timers), files_(std::move(directory)) {}
  ~LocalLockStore() override { LocalLockStore::stop(); }

  void start() override {
    if (started_) return;
    for (auto& [name, lock] : files_.load(now())) hold(name, std::move(lock));
    started_ = true;  // not if that has thrown: the next start loads them
  }

  // Held locks stay on file.
  void stop() override {
    stopped_ = true;
    for (auto& [name, held] : held_) timers_.cancel(held.timer);
    held_.clear();
    listeners_.clear();
  }

  Task<LockTry> try_acquire(LockId id, AcquireRequest request) override {
    check_running();
    LockTry result;
    const BootTime since = now();
    if (const auto* held = find(id.name)) {
      result.busy_until = held->expires_at;
      result.holder = printable_owner(held->owner);
      result.note = note_of(*held);
      co_return result;
    }
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(timers_.clock().wall_now().time_since_epoch());
    LocalLock lock{request.owner, 0, since + request.ttl, request.note, since};
    on_file([&] {
      lock.fence = files_.next_fence(static_cast<std::uint64_t>(std::max<std::int64_t>(1, micros.count())));
      files_.save(id.name, lock);
    });
    result.lease = Lease{lock.owner, lock.fence, request.ttl, lease_valid_until(since, request.ttl)};
    hold(id.name, std::move(lock));
    co_return result;
  }

  Task<bool> extend(LockId id, Lease& lease) override {
    check_running();
    const auto* held = find(id.name);
    if (held == nullptr || held->owner != lease.owner) co_return false;
    const BootTime since = now();
    LocalLock lock = *held;
    lock.expires_at = since + lease.ttl;
    on_file([&] { files_.save(id.name, lock); });
    hold(id.name, std::move(lock));
    lease.valid_until = lease_valid_until(since, lease.ttl);
    co_return true;
  }

  Task<bool> pass(LockId id, FormerOwners former, Lease& lease, LockNote note, bool confirmed) override {
    check_running();
    if (confirmed) co_return co_await extend(std::move(id), lease);
    const auto* held = find(id.name);
    if (held == nullptr || !is_of(*held, lease.owner, former)) co_return false;
    const BootTime since = now();
    LocalLock lock{lease.owner, lease.fence, since + lease.ttl, std::move(note), since};
    on_file([&] { files_.save(id.name, lock); });
    hold(id.name, std::move(lock));
    lease.valid_until = lease_valid_until(since, lease.ttl);
    co_return true;
  }

  Task<bool> release(LockId id, std::string owner, FormerOwners former) override {
    check_running();
    const auto* held = find(id.name);
    if (held == nullptr || !is_of(*held, owner, former)) co_return false;
    free_lock(id.name);
    co_return true;
  }

  Task<bool> force_release(LockId id) override {
    check_running();
    if (find(id.name) == nullptr) co_return false;
    free_lock(id.name);
    co_return true;
  }

  Task<LockView> show(LockId id) override {
    check_running();
    LockView view;
    const auto* held = find(id.name);
    if (held == nullptr) co_return view;
    view.held = true;
    view.owner = printable_owner(held->owner);
    view.ttl = to_ms(held->expires_at - now());
    view.fence = held->fence;
    view.note = note_of(*held);
    co_return view;
  }

  [[nodiscard]] BackendHealth health() const override {
    return {"local", files_.directory().string(), !stopped_ && last_error_.empty(), last_error_, {}};
  }

  void listen(const LockId& id, std::function<void()> woken) override {
    const std::string& name = id.name;
    if (!woken) {
      listeners_.erase(name);
      return;
    }
    listeners_[name] = std::move(woken);
    wake(name);  // earlier releases were not heard
  }

 private:
  struct Held : LocalLock {
    Timers::Id timer = 0;
  };

  static bool is_of(const LocalLock& lock, const std::string& owner, const FormerOwners& former) {
    return lock.owner == owner || std::find(former.begin(), former.end(), lock.owner) != former.end();
  }
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
      throw TransportError(std::string("the lock cannot be saved in its file: ") + e.what());
    }
  }

  // Null: free. The timer that ends a lock may be late, after a suspend for example.
  const Held* find(const std::string& name) {
    const auto held = held_.find(name);
    if (held == held_.end()) return nullptr;
    if (held->second.expires_at > now()) return &held->second;
    free_lock(name);
    return nullptr;
  }

  void hold(const std::string& name, LocalLock lock) {
    Held& held = held_[name];
    if (held.timer != 0) timers_.cancel(held.timer);
    static_cast<LocalLock&>(held) = std::move(lock);
    held.timer = timers_.schedule(held.expires_at, [this, alive = std::weak_ptr(alive_), name] {
      if (!alive.expired()) find(name);
    });
  }

  void free_lock(const std::string& name) {
    const auto held = held_.find(name);
    timers_.cancel(held->second.timer);
    held_.erase(held);
    files_.remove(name);
    wake(name);
  }

  // Never from inside a call of the listener's.
  void wake(const std::string& name) {
    if (!listeners_.contains(name)) return;
    boost::asio::post(timers_.executor(), [this, alive = std::weak_ptr(alive_), name] {
      if (alive.expired()) return;
      const auto found = listeners_.find(name);
      if (found == listeners_.end()) return;
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
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // callbacks may come after its end
};

}  // namespace

std::unique_ptr<LockStore> make_local_lock_store(Timers& timers, std::filesystem::path directory) {
  return std::make_unique<LocalLockStore>(timers, std::move(directory));
}

}  // namespace jeton::agent
