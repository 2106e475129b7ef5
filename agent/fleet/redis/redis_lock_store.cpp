#include "agent/fleet/redis/redis_lock_store.hpp"

#include <map>
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
    RedisServer& server = *self->server;
    const Subject subject = subject_of(id);
    const auto attempt = std::make_shared<AcquireAttempt>();
    attempt->owner = claim.owner;
    attempt->ttl = expiry_ms(claim.ttl);
    attempt->note = claim.note;
    attempt->owner_is_new = claim.owner_is_new;
    RedisServer::Grant grant = co_await server.acquire(subject, attempt, server.deadline());
    const RedisOperations::Acquired& answer = grant.answer;
    LockTry result;
    if (answer.outcome == RedisOperations::Acquired::Outcome::won) {
      result.lease = Lease{answer.owner, answer.fence, attempt->ttl, lease_valid_until(grant.sent_at, attempt->ttl)};
    } else {
      result.busy_until = server.now() + (answer.remaining ? Duration{*answer.remaining} : look_again_at_endless);
      result.holder = printable_owner(answer.holder);
      result.note = std::move(grant.note);
      if (!answer.remaining) result.trouble = endless_lock(server.keys_of(subject).lock);
    }
    co_return result;
  }

  static Task<bool> extend(Self self, LockId id, Lease& lease) {
    self->check_running();
    RedisServer& server = *self->server;
    const RedisKeys keys = server.keys_of(subject_of(id));
    const Milliseconds ttl = expiry_ms(lease.ttl);
    const BootTime sent_at = server.now();
    const bool held = co_await server.operations().renew(keys, lease.owner, ttl, server.deadline());
    if (held) lease.valid_until = lease_valid_until(sent_at, ttl);
    co_return held;
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

  void check_running() const {
    if (stopped) throw redis::NotSentError(server->display() + ": stopped");
  }

  std::shared_ptr<RedisServer> server;
  bool stopped = false;
};

class RedisLockStore final : public LockStore {
  using State = LockStoreState;

 public:
  explicit RedisLockStore(const std::shared_ptr<RedisServer>& server)
      : state_(std::make_shared<State>(server)), use_({server}) {}
  ~RedisLockStore() override { stop(); }

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
    const Subject subject = subject_of(id);
    auto listener = woken ? std::make_unique<ReleaseListener>(std::move(woken)) : nullptr;
    state_->server->notifications().subscribe(subject, listener.get());
    if (listener) {
      listeners_[id.name] = std::move(listener);
    } else {
      listeners_.erase(id.name);
    }
  }

  [[nodiscard]] BackendHealth health() const override {
    const RedisServer& server = *state_->server;
    const bool reachable = server.is_connected();
    return {"redis", server.display(), reachable, reachable ? std::string() : server.last_error(), {}};
  }
  void start() override { use_.start(); }
  void stop() override {
    state_->stopped = true;
    use_.stop();
    state_->server->notifications().unsubscribe_all(Subject::Kind::lock);
    listeners_.clear();
  }

 private:
  std::shared_ptr<State> state_;
  ServerUse use_;
  std::map<std::string, std::unique_ptr<ReleaseListener>> listeners_;
};

}  // namespace

std::unique_ptr<LockStore> make_redis_lock_store(const std::shared_ptr<RedisServer>& server) {
  return std::make_unique<RedisLockStore>(server);
}

}  // namespace jeton::agent
