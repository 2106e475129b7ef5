#include "agent/fleet/redis/redis_lock_store.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

class ReleaseListener final : public FleetListener {
 public:
  explicit ReleaseListener(std::function<void()> woken) : woken_(std::move(woken)) {}
  void hear(FleetEvent event) override {
    if (!std::holds_alternative<ReleaseEvent>(event) && !std::holds_alternative<GapEvent>(event)) return;
    const auto woken = woken_;  // the callee may end its listening
    woken();
  }

 private:
  std::function<void()> woken_;
};

class RedisLockStore final : public LockStore {
 public:
  explicit RedisLockStore(const std::shared_ptr<RedisServer>& server) : server_(server), use_({server}) {}
  ~RedisLockStore() override { RedisLockStore::stop(); }

  Task<LockTry> try_acquire(LockId id, LockClaim claim) override {
    const auto server = running();
    const Subject subject = subject_of(id);
    AcquireResult result = co_await server->try_acquire(subject, std::move(claim));
    co_return std::move(result);
  }

  Task<bool> extend(LockId id, Lease& lease) override {
    const auto server = running();
    const Subject subject = subject_of(id);
    co_return co_await server->renew(subject, lease, server->deadline());
  }

  Task<bool> release(LockId id, std::string owner) override {
    const auto server = running();
    const RedisKeys keys = server->keys_of(subject_of(id));
    co_return co_await server->operations().release(keys, owner, server->deadline());
  }

  Task<bool> force_release(LockId id) override {
    const auto server = running();
    const RedisKeys keys = server->keys_of(subject_of(id));
    const std::string message_id = new_owner_id(server->random());
    co_return co_await server->locks().force_release(keys, message_id, server->deadline());
  }

  Task<LockView> show(LockId id) override {
    const auto server = running();
    const RedisKeys keys = server->keys_of(subject_of(id));
    co_return co_await server->locks().show(keys, fence_limit(server->wall_now()), server->deadline());
  }

  void listen(const LockId& id, std::function<void()> woken) override {
    server_->notifications().subscribe(subject_of(id), listeners_.set(id, std::move(woken)));
  }

  [[nodiscard]] BackendHealth health() const override {
    const bool reachable = server_->is_connected();
    return {"redis", server_->display(), reachable, reachable ? std::string() : server_->last_error(), {}};
  }
  void start() override { use_.start(); }
  void stop() override {
    stopped_ = true;
    use_.stop();
    server_->notifications().unsubscribe_all(Subject::Kind::lock);
    listeners_.clear();
  }

 private:
  // Kept by the calls under way, which may outlive the store.
  [[nodiscard]] std::shared_ptr<RedisServer> running() const {
    if (stopped_) throw redis::NotSentError(server_->display() + ": stopped");
    return server_;
  }

  std::shared_ptr<RedisServer> server_;
  ServerUse use_;
  ReleaseListeners listeners_;
  bool stopped_ = false;
};

}  // namespace

FleetListener* ReleaseListeners::set(const LockId& id, std::function<void()> woken) {
  if (!woken) {
    listeners_.erase(id.name);
    return nullptr;
  }
  return (listeners_[id.name] = std::make_unique<ReleaseListener>(std::move(woken))).get();
}

std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server) {
  return std::make_unique<RedisLockStore>(server);
}

}  // namespace jeton::agent
