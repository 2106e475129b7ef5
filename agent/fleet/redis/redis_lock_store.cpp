#include "agent/fleet/redis/redis_lock_store.hpp"

#include <boost/system/system_error.hpp>
#include <map>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"
#include "agent/fleet/redis/lock_cleanup.hpp"
#include "agent/fleet/redis/lock_operations.hpp"

namespace jeton::agent {

class RedisLockStore::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, RedisCoordinatorOptions options)
      : timers_(timers),
        random_(random),
        prefix_(std::move(options.prefix)),
        database_(options.connection.database),
        replicas_acked_(options.replicas_acked),
        timeout_(options.connection.timeout),
        keyspace_(options.keyspace ? std::move(options.keyspace)
                                   : std::make_shared<redis::Client>(timers, random, options.connection)),
        operations_(keyspace_, RedisKeys::clock(prefix_)),
        cleanup_(timers, operations_, timeout_),
        subscriber_(timers, random, options.connection,
                    {.message = [this](const std::string& channel, std::string_view) { wake(channel); },
                     .gap = [this](const std::string& channel) { wake(channel); }},
                    options.keepalive) {
    if (replicas_acked_ > 0) operations_.expect_replicas(replicas_acked_, timeout_ / 2);
    locks_.emplace(operations_);
  }

  void start() {
    if (std::exchange(started_, true)) return;
    keyspace_->start();
    subscriber_.start();
  }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    listeners_.clear();
    subscriber_.stop();
    if (cleanup_.idle() || !keyspace_->is_connected()) {
      stop_now();
    } else {
      start_task(timers_.executor(), stop_when_clean(shared_from_this()));
    }
  }

  void stop_now() {
    stopped_ = true;
    cleanup_.stop();
    keyspace_->stop();
  }

  static Task<LockTry> try_acquire(std::shared_ptr<Impl> self, LockId id, LockClaim claim) {
    const RedisKeys keys = self->keys_of(id);
    const Milliseconds ttl = expiry_ms(claim.ttl);
    const BootTime sent_at = self->now();
    LockOperations::Acquired answer;
    try {
      self->check_running();
      JETON_FAILPOINT("locks.acquire.sending");
      answer = co_await self->locks_->acquire(keys, claim.owner, ttl, claim.note, self->deadline());
      JETON_FAILPOINT("locks.acquire.answered");
      check_fence(answer.fence, self->wall_now(), self->keyspace_->display());
    } catch (const redis::NotSentError&) {
      throw;
    } catch (const boost::system::system_error&) {
      if (claim.owner_is_new) self->cleanup_.take_back(keys, claim.owner, ttl, LockCleanup::Doubt::answer_not_awaited);
      throw;
    } catch (const Error&) {
      if (claim.owner_is_new) self->cleanup_.take_back(keys, claim.owner, ttl, LockCleanup::Doubt::connection_lost);
      throw;
    }
    LockTry result;
    if (answer.outcome == RedisOperations::Acquired::Outcome::won) {
      if (!answer.replicated) {
        // A failover could give it to somebody else as well.
        self->cleanup_.take_back(keys, answer.owner, ttl, LockCleanup::Doubt::answer_not_awaited);
        throw TransportError(self->keyspace_->display() + ": fewer than " + std::to_string(self->replicas_acked_) +
                             " replicas have the lock in time; repair the replication, or lower "
                             "coordination.redis.replicas_acked");
      }
      result.lease = Lease{answer.owner, answer.fence, ttl, lease_valid_until(sent_at, ttl)};
    } else {
      result.busy_until = self->now() + (answer.remaining ? Duration{*answer.remaining} : look_again_at_endless);
      result.holder = printable_owner(answer.holder);
      result.note = std::move(answer.note);
      if (!answer.remaining) result.trouble = endless_lock(keys.updater);
    }
    co_return result;
  }

  static Task<bool> extend(std::shared_ptr<Impl> self, LockId id, Lease& lease) {
    self->check_running();
    const RedisKeys keys = self->keys_of(id);
    const Milliseconds ttl = expiry_ms(lease.ttl);
    const BootTime sent_at = self->now();
    const bool held = co_await self->operations_.renew(keys, lease.owner, ttl, self->deadline());
    if (held) lease.valid_until = lease_valid_until(sent_at, ttl);
    co_return held;
  }

  static Task<bool> release(std::shared_ptr<Impl> self, LockId id, std::string owner) {
    self->check_running();
    const RedisKeys keys = self->keys_of(id);
    co_return co_await self->operations_.release(keys, owner, self->deadline());
  }

  static Task<bool> force_release(std::shared_ptr<Impl> self, LockId id) {
    self->check_running();
    const RedisKeys keys = self->keys_of(id);
    const std::string message_id = new_owner_id(self->random_);
    co_return co_await self->locks_->force_release(keys, message_id, self->deadline());
  }

  static Task<LockView> show(std::shared_ptr<Impl> self, LockId id) {
    self->check_running();
    const RedisKeys keys = self->keys_of(id);
    co_return co_await self->locks_->show(keys, fence_limit(self->wall_now()), self->deadline());
  }

  void listen(const LockId& id, std::function<void()> woken) {
    const std::string channel = keys_of(id).channel;
    if (!woken) {
      listeners_.erase(channel);
      subscriber_.unsubscribe(channel);
    } else {
      listeners_[channel] = std::move(woken);
      subscriber_.subscribe(channel);
    }
  }

  [[nodiscard]] BackendHealth health() const {
    return {"redis", keyspace_->display(), keyspace_->is_connected(), keyspace_->last_error(), {}};
  }

 private:
  static Task<> stop_when_clean(std::shared_ptr<Impl> self) {
    try {
      co_await self->cleanup_.wait_idle(self->deadline());
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
    self->stop_now();
  }

  // Copied, because the callee may end its listening.
  void wake(const std::string& channel) {
    const auto found = listeners_.find(channel);
    if (found == listeners_.end()) return;
    const auto woken = found->second;
    woken();
  }

  void check_running() const {
    if (stopped_) throw redis::NotSentError(keyspace_->display() + ": stopped");
  }
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] WallTime wall_now() const { return timers_.clock().wall_now(); }
  [[nodiscard]] BootTime deadline() const { return now() + timeout_; }
  [[nodiscard]] RedisKeys keys_of(const LockId& id) const {
    return RedisKeys::of_lock(prefix_, id.name, database_, id.terms);
  }

  Timers& timers_;
  Random& random_;
  std::string prefix_;
  int database_;
  int replicas_acked_;
  Duration timeout_;
  bool started_ = false;
  bool stopped_ = false;
  std::shared_ptr<redis::Keyspace> keyspace_;
  RedisOperations operations_;
  std::optional<LockOperations> locks_;
  LockCleanup cleanup_;
  std::map<std::string, std::function<void()>> listeners_;  // by channel
  redis::Subscriber subscriber_;
};

RedisLockStore::RedisLockStore(Timers& timers, Random& random, RedisCoordinatorOptions options)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options))) {}

RedisLockStore::~RedisLockStore() {
  impl_->stop();
  impl_->stop_now();
}

Task<LockTry> RedisLockStore::try_acquire(LockId id, LockClaim claim) {
  return Impl::try_acquire(impl_, std::move(id), std::move(claim));
}
Task<bool> RedisLockStore::extend(LockId id, Lease& lease) { return Impl::extend(impl_, std::move(id), lease); }
Task<bool> RedisLockStore::release(LockId id, std::string owner) {
  return Impl::release(impl_, std::move(id), std::move(owner));
}
Task<bool> RedisLockStore::force_release(LockId id) { return Impl::force_release(impl_, std::move(id)); }
Task<LockView> RedisLockStore::show(LockId id) { return Impl::show(impl_, std::move(id)); }
void RedisLockStore::listen(const LockId& id, std::function<void()> woken) { impl_->listen(id, std::move(woken)); }
BackendHealth RedisLockStore::health() const { return impl_->health(); }
void RedisLockStore::start() { impl_->start(); }
void RedisLockStore::stop() { impl_->stop(); }

}  // namespace jeton::agent
