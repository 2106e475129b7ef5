#include "agent/fleet/redis/redis_lock_store.hpp"

#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

// Kept by the calls under way.
struct LockStoreState {
  using Self = std::shared_ptr<LockStoreState>;

  explicit LockStoreState(std::shared_ptr<RedisServer> s) : server(std::move(s)) {}

  static Task<LockTry> try_acquire(Self self, LockId id, LockClaim claim) {
    self->check_running();
    const Subject subject = subject_of(id);
    AcquireResult result = co_await self->server->try_acquire(subject, std::move(claim));
    co_return std::move(result);
  }

  static Task<bool> extend(Self self, LockId id, Lease& lease) {
    self->check_running();
    const Subject subject = subject_of(id);
    co_return co_await self->server->renew(subject, lease, self->server->deadline());
  }

  static Task<bool> release(Self self, LockId id, std::string owner) {
    self->check_running();
    const RedisKeys keys = self->server->keys_of(subject_of(id));
    co_return co_await self->server->operations().release(keys, owner, self->server->deadline());
  }

  static Task<bool> force_release(Self self, LockId id) {
    self->check_running();
    const RedisKeys keys = self->server->keys_of(subject_of(id));
    const std::string message_id = new_owner_id(self->server->random());
    co_return co_await self->server->locks().force_release(keys, message_id, self->server->deadline());
  }

  static Task<LockView> show(Self self, LockId id) {
    self->check_running();
    RedisServer& server = *self->server;
    const RedisKeys keys = server.keys_of(subject_of(id));
    co_return co_await server.locks().show(keys, fence_limit(server.wall_now()), server.deadline());
  }

  [[nodiscard]] Servers all_servers() const { return {server}; }
  void subscribe(const Subject& subject, FleetListener* listener) const {
    server->notifications().subscribe(subject, listener);
  }
  void unsubscribe_all() const { server->notifications().unsubscribe_all(Subject::Kind::lock); }
  [[nodiscard]] BackendHealth health() const {
    const bool reachable = server->is_connected();
    return {"redis", server->display(), reachable, reachable ? std::string() : server->last_error(), {}};
  }

  void check_running() const {
    if (stopped) throw redis::NotSentError(server->display() + ": stopped");
  }

  std::shared_ptr<RedisServer> server;
  bool stopped = false;
};

}  // namespace

std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server) {
  return std::make_unique<SharedLockStore<LockStoreState>>(std::make_shared<LockStoreState>(server));
}

}  // namespace jeton::agent
