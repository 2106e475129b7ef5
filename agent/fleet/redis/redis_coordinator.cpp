#include "agent/fleet/redis/redis_coordinator.hpp"

#include <boost/system/system_error.hpp>
#include <map>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/fleet/redis/clock_keeper.hpp"
#include "agent/fleet/redis/lock_cleanup.hpp"
#include "agent/fleet/redis/redis_channels.hpp"
#include "agent/fleet/redis/redis_operations.hpp"
#include "agent/fleet/redis/stored_records.hpp"
#include "agent/record/record_times.hpp"

namespace jeton::agent {

class RedisCoordinator::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Timers& timers, Random& random, RedisCoordinatorOptions options)
      : timers_(timers),
        random_(random),
        prefix_(std::move(options.prefix)),
        database_(options.connection.database),
        codec_(options.codec),
        replicas_acked_(options.replicas_acked),
        timeout_(options.connection.timeout),
        keyspace_(options.keyspace ? std::move(options.keyspace)
                                   : std::make_shared<redis::Client>(timers, random, options.connection)),
        operations_(keyspace_, RedisKeys::clock(prefix_), codec_),
        cleanup_(timers, operations_, timeout_),
        clock_(timers, operations_, options.clock_interval, timeout_, [this] { channels_.tell_gaps(); }),
        channels_(timers, random, {options.connection, options.cluster, options.keepalive}, prefix_, codec_,
                  [this] { return offset(); }),
        records_(codec_, timers.clock(), channels_),
        follows_(options.connection.locator != nullptr) {
    if (replicas_acked_ > 0) operations_.expect_replicas(replicas_acked_, timeout_ / 2);
    keyspace_->on_connected([this] { connected(); });
    channels_.on_written([this] { written(); });
  }

  void start() {
    keyspace_->start();
    clock_.start();
    channels_.start();
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    channels_.stop();
    clock_.stop();
    if (cleanup_.idle() || !keyspace_->is_connected()) {
      stop_now();
    } else {
      start_task(timers_.executor(), stop_when_clean(shared_from_this()));
    }
  }

  void stop_now() {
    stopped_ = true;
    cleanup_.stop();
    keyspace_->on_connected(nullptr);
    keyspace_->stop();
  }

  static Task<> stop_when_clean(std::shared_ptr<Impl> self) {
    try {
      co_await self->cleanup_.wait_idle(self->deadline());
    } catch (const boost::system::system_error&) {
      // The loop ends.
    }
    self->stop_now();
  }

  Task<AcquireResult> try_acquire(std::string name, Duration ttl) {
    const RedisKeys keys = keys_of(name);
    const Milliseconds ttl_ms = expiry_ms(ttl);
    const std::string owner = new_owner_id(random_);
    co_await clock_.get(deadline());

    channels_.own(name, owner);  // before it is sent: the claim may be heard before the answer
    const BootTime sent_at = now();
    RedisOperations::Acquired answer;
    try {
      JETON_FAILPOINT("redis.acquire.sending");
      answer = co_await operations_.acquire(keys, owner, ttl_ms, deadline());
      JETON_FAILPOINT("redis.acquire.answered");
      check_fence(answer.fence, timers_.clock().wall_now() + clock_.offset(), keyspace_->display());
    } catch (const redis::NotSentError&) {
      throw;
    } catch (const boost::system::system_error&) {
      cleanup_.take_back(keys, owner, ttl_ms, LockCleanup::Doubt::answer_not_awaited);
      throw;
    } catch (const Error&) {
      cleanup_.take_back(keys, owner, ttl_ms, LockCleanup::Doubt::connection_lost);
      throw;
    }

    AcquireResult result;
    const BootTime until = answer.remaining ? now() + *answer.remaining : now() + look_again_at_endless;
    switch (answer.outcome) {
      case RedisOperations::Acquired::Outcome::won:
        if (!answer.replicated) {
          // A failover could give it to somebody else as well.
          cleanup_.take_back(keys, answer.owner, ttl_ms, LockCleanup::Doubt::answer_not_awaited);
          throw TransportError(keyspace_->display() + ": " + too_few_replicas("the updater lock"));
        }
        result.lease = Lease{answer.owner, answer.fence, ttl_ms, lease_valid_until(sent_at, ttl_ms)};
        break;
      case RedisOperations::Acquired::Outcome::busy:
        result.busy_until = until;
        result.holder = printable_owner(answer.holder);
        if (!answer.remaining) result.trouble = endless_lock(keys.updater);
        break;
      case RedisOperations::Acquired::Outcome::paused:
        result.pause = Pause{until, answer.reason, answer.request};
        break;
    }
    result.current = decode(name, answer.record);
    co_return result;
  }

  Task<bool> renew(std::string name, Lease& lease) {
    const BootTime sent_at = now();
    const RedisKeys keys = keys_of(name);
    const bool held = co_await operations_.renew(keys, lease.owner, expiry_ms(lease.ttl), deadline());
    if (held) lease.valid_until = lease_valid_until(sent_at, lease.ttl);
    co_return held;
  }

  Task<bool> release(std::string name, std::string owner) {
    const RedisKeys keys = keys_of(name);
    co_return co_await operations_.release(keys, owner, deadline());
  }

  Task<Admission> admit(std::string name, std::string owner, FetchLimits limits) {
    const RedisOperations::Limits asked{to_ms(limits.min_interval), limits.budget, to_ms(limits.budget_window),
                                        limits.known_calls, to_ms(limits.known_window_left)};
    const RedisKeys keys = keys_of(name);
    const auto answer = co_await operations_.admit(keys, owner, asked, deadline());
    Admission admission;
    admission.calls_used = answer.calls;
    admission.retry_at = now() + answer.wait;
    admission.window_end = now() + answer.window_left;
    switch (answer.outcome) {
      case RedisOperations::Admitted::Outcome::admitted:
        break;
      case RedisOperations::Admitted::Outcome::min_interval:
        admission.refusal = FetchRefusal::min_interval;
        break;
      case RedisOperations::Admitted::Outcome::budget:
        admission.refusal = FetchRefusal::budget;
        break;
      case RedisOperations::Admitted::Outcome::lost:
        admission.refusal = FetchRefusal::lock_lost;
        break;
    }
    co_return admission;
  }

  Task<PublishResult> publish(std::string name, Record record, std::string owner) {
    const Milliseconds offset = co_await clock_.get(deadline());
    const RedisKeys keys = keys_of(name);
    shift_times(record, offset);
    const SecretString text = codec_.encode(name, record);
    JETON_FAILPOINT("redis.publish.sending");
    const auto answer = co_await operations_.publish(keys, owner, record, text, deadline());
    JETON_FAILPOINT("redis.publish.answered");
    PublishResult result;
    result.stored = answer.outcome == RedisOperations::Published::Outcome::stored;
    if (!result.stored) result.current = decode(name, answer.record);
    if (answer.outcome != RedisOperations::Published::Outcome::refused) warn_unless(answer.replicated, name);
    if (answer.outcome == RedisOperations::Published::Outcome::same) {
      // Stored by an attempt whose answer was lost, unless two fences were ever the same.
      result.stored = result.current && result.current->value == record.value;
      if (!result.current && answer.record) {
        // Garbage, or sealed with a key that nobody has any more: a host without the token could not get it.
        result.stored = co_await operations_.replace(keys, *answer.record, text, deadline());
      }
    }
    co_return result;
  }

  Task<std::optional<Record>> load(std::string name) {
    co_await clock_.get(deadline());
    const RedisKeys keys = keys_of(name);
    const auto text = co_await operations_.load(keys, deadline());
    co_return decode(name, text);
  }

  Task<bool> pause(std::string name, Pause pause) {
    const Duration left = pause.until - now();
    if (left <= Duration{0}) co_return false;
    const RedisKeys keys = keys_of(name);
    co_return co_await operations_.pause(keys, expiry_ms(left), pause.reason, pause.request, deadline());
  }

  Task<bool> resume(std::string name) {
    const RedisKeys keys = keys_of(name);
    co_await operations_.resume(keys, deadline());
    co_return true;
  }

  Task<bool> announce_rejection(std::string name, Generation generation) {
    const RedisKeys keys = keys_of(name);
    co_await operations_.announce_rejection(keys, generation, deadline());
    co_return true;
  }

  Task<bool> restore_usage(std::string name, FetchUsage usage, Duration window) {
    const RedisKeys keys = keys_of(name);
    const Milliseconds left = to_ms(usage.window_end.value_or(now()) - now());
    co_await operations_.restore_usage(keys, usage.calls, left, to_ms(window), deadline());
    co_return true;
  }

  Task<FetchUsage> usage(std::string name) {
    const RedisKeys keys = keys_of(name);
    const auto answer = co_await operations_.usage(keys, deadline());
    FetchUsage usage;
    usage.calls = answer.calls;
    usage.paused = answer.paused;
    if (answer.window_left) usage.window_end = now() + *answer.window_left;
    co_return usage;
  }

  // Runs one call, unless stopped, and keeps what health() says about the last one.
  template <typename T>
  static Task<T> tracked(std::shared_ptr<Impl> self, Task<T> call) {
    if (self->stopped_) throw TransportError(self->keyspace_->display() + ": stopped");
    try {
      T result = co_await std::move(call);
      self->trouble_ = {};
      co_return result;
    } catch (const redis::ServerError& e) {
      self->trouble_ = {e.what(), true, e.is_about_access()};
      throw;
    } catch (const TransportError& e) {
      self->trouble_ = {e.what()};
      throw;
    }
  }

  [[nodiscard]] BackendHealth health() const {
    BackendHealth health;
    health.backend = "redis";
    health.endpoint = keyspace_->display();
    health.reachable = keyspace_->is_connected();
    health.last_error = health.reachable ? trouble_.text : keyspace_->last_error();
    health.clock_offset = clock_.offset();
    return health;
  }

 private:
  // What the last call failed for. A quiet agent makes no call for hours, so it also ends with what shows it to be
  // over.
  struct Trouble {
    std::string text{};    // empty: none
    bool refused = false;  // the server answered with an error
    bool access = false;   // about this agent's rights
  };

  [[nodiscard]] std::string too_few_replicas(const std::string& what) const {
    return "fewer than " + std::to_string(replicas_acked_) + " replicas have " + what +
           " in time; repair the replication, or lower coordination.redis.replicas_acked";
  }

  // The token was fetched and the fleet has heard of it, so it counts all the same; whoever holds it gives it back to
  // a primary that has lost it.
  void warn_unless(bool replicated, const std::string& name) {
    if (replicated) return;
    log::warning("published, but a failover could lose it",
                 {{"token", name}, {"endpoint", keyspace_->display()}, {"error", too_few_replicas("the record")}});
  }

  // A lost connection is back. What the server refused it may refuse again, unless another server was looked for.
  void connected() {
    clock_.measure_now();
    if (trouble_.text.empty() || (trouble_.refused && (!follows_ || trouble_.access))) return;
    trouble_ = {};
    channels_.tell_gaps();  // what failed may have been the look for what the server has lost
  }

  // An agent of the fleet has written: the server takes writes (again).
  void written() {
    if (!trouble_.access) trouble_ = {};
  }

  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }
  [[nodiscard]] BootTime deadline() const { return now() + timeout_; }
  [[nodiscard]] RedisKeys keys_of(const std::string& name) const {
    const auto terms = terms_.find(name);
    return {prefix_, name, database_, terms == terms_.end() ? TokenTerms{} : terms->second};
  }

  [[nodiscard]] std::optional<Milliseconds> offset() const {
    if (!clock_.known()) return std::nullopt;
    return clock_.offset();
  }

  // A stored record in this host's time; none if it is not one.
  std::optional<Record> decode(const std::string& name, const std::optional<SecretString>& text) {
    return records_.read(name, text, clock_.offset(), keyspace_->display(), keys_of(name).token);
  }

  Timers& timers_;
  Random& random_;
  std::string prefix_;
  int database_;
  FleetCodec codec_;
  int replicas_acked_;
  Duration timeout_;
  Trouble trouble_;
  bool stopped_ = false;
  std::shared_ptr<redis::Keyspace> keyspace_;
  RedisOperations operations_;
  LockCleanup cleanup_;
  ClockKeeper clock_;

 public:
  RedisChannels channels_;
  StoredRecords records_;
  const bool follows_;  // another server may take over
  void forget_clock() { clock_.forget(); }
  std::map<std::string, TokenTerms> terms_;
};

RedisCoordinator::RedisCoordinator(Timers& timers, Random& random, RedisCoordinatorOptions options)
    : impl_(std::make_shared<Impl>(timers, random, std::move(options))) {}

RedisCoordinator::~RedisCoordinator() {
  impl_->stop();
  impl_->stop_now();
}

Task<AcquireResult> RedisCoordinator::try_acquire(const std::string& name, Duration ttl) {
  return Impl::tracked(impl_, impl_->try_acquire(name, ttl));
}

Task<bool> RedisCoordinator::renew(const std::string& name, Lease& lease) {
  return Impl::tracked(impl_, impl_->renew(name, lease));
}

Task<> RedisCoordinator::release(const std::string& name, const Lease& lease) {
  co_await Impl::tracked(impl_, impl_->release(name, lease.owner));
}

Task<Admission> RedisCoordinator::admit(const std::string& name, const Lease& lease, const FetchLimits& limits) {
  return Impl::tracked(impl_, impl_->admit(name, lease.owner, limits));
}

Task<PublishResult> RedisCoordinator::publish(const std::string& name, const Record& record, const Lease& lease) {
  return Impl::tracked(impl_, impl_->publish(name, record, lease.owner));
}

Task<std::optional<Record>> RedisCoordinator::load(const std::string& name) {
  return Impl::tracked(impl_, impl_->load(name));
}

Task<> RedisCoordinator::pause(const std::string& name, Pause pause) {
  co_await Impl::tracked(impl_, impl_->pause(name, std::move(pause)));
}

Task<> RedisCoordinator::resume(const std::string& name) { co_await Impl::tracked(impl_, impl_->resume(name)); }

Task<FetchUsage> RedisCoordinator::usage(const std::string& name) { return Impl::tracked(impl_, impl_->usage(name)); }

Task<> RedisCoordinator::restore_usage(const std::string& name, FetchUsage usage, Duration window) {
  co_await Impl::tracked(impl_, impl_->restore_usage(name, usage, window));
}

Task<> RedisCoordinator::announce_rejection(const std::string& name, Generation generation) {
  co_await Impl::tracked(impl_, impl_->announce_rejection(name, generation));
}

void RedisCoordinator::configure(const std::string& name, const TokenTerms& terms) { impl_->terms_[name] = terms; }

void RedisCoordinator::subscribe(const std::string& name, FleetListener* listener) {
  impl_->channels_.subscribe(name, listener);
}

BackendHealth RedisCoordinator::health() const { return impl_->health(); }
void RedisCoordinator::clock_stepped() { impl_->forget_clock(); }
void RedisCoordinator::start() { impl_->start(); }
void RedisCoordinator::stop() { impl_->stop(); }

}  // namespace jeton::agent
