// The lock store on one RedisServer.
#include <utility>

#include "agent/fleet/redis/server_use.hpp"

namespace jeton::agent {
namespace {

class RedisLockStore final : public LockStore {
 public:
  explicit RedisLockStore(const std::shared_ptr<RedisServer>& server) : server_(server), use_({server}) {}
  ~RedisLockStore() override { RedisLockStore::stop(); }

  Task<LockTry> try_acquire(LockId id, AcquireRequest request) override {
    const auto server = running();
    AcquireResult result = co_await server->try_acquire(subject_of(id), std::move(request));
    co_return std::move(result);
  }

  Task<bool> extend(LockId id, Lease& lease) override {
    const auto server = running();
    co_return co_await server->renew(subject_of(id), lease, server->deadline());
  }

  Task<bool> pass(LockId id, FormerOwners former, Lease& lease, LockNote note, bool confirmed) override {
    const auto server = running();
    co_return co_await server->pass(subject_of(id), std::move(former), lease, std::move(note), confirmed,
                                    server->deadline());
  }

  Task<bool> release(LockId id, std::string owner, FormerOwners former) override {
    const auto server = running();
    const RedisKeys keys = server->keys_of(subject_of(id));
    co_return co_await server->locks().release(keys, owner, server->deadline(), std::move(former));
  }

  Task<bool> force_release(LockId id) override {
    const auto server = running();
    const std::string message_id = new_owner_id(server->random());
    co_return co_await server->locks().force_release(server->keys_of(subject_of(id)), message_id, server->deadline());
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

std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server) {
  return std::make_unique<RedisLockStore>(server);
}

}  // namespace jeton::agent
