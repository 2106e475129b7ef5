#include "agent/fleet/redis/redis_server.hpp"

#include <boost/system/system_error.hpp>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/record/record.hpp"

namespace jeton::agent {
namespace {

constexpr Duration refusal_lasts = std::chrono::seconds(30);  // of a record, as far as repairs are concerned

ScriptSteps steps_of(const std::shared_ptr<redis::CommandRunner>& runner, const RedisOptions& options) {
  return {runner, options.codec, options.replicas_acked, options.connection.timeout / 2};
}

std::shared_ptr<redis::CommandRunner> runner_of(Timers& timers, Random& random, const RedisOptions& options) {
  if (options.runner) return options.runner;
  // A message that is not heard is missed, a command finds out by itself that nobody answers: so it is asked more
  // rarely.
  return std::make_shared<redis::Client>(timers, random, options.connection, options.keepalive * 5 / 2);
}

}  // namespace

RedisServer::RedisServer(Timers& timers, Random& random, RedisOptions options,
                         Notifications::ReachedMajority reached_majority)
    : timers_(timers),
      random_(random),
      options_(std::move(options)),
      in_quorum_(reached_majority != nullptr),
      call_ended_(timers),
      turns_(timers),
      runner_(runner_of(timers, random, options_)),
      operations_(steps_of(runner_, options_), timers.clock(), RedisKeys::clock(options_.prefix)),
      locks_(steps_of(runner_, options_)),
      uncertain_(std::make_shared<UncertainAcquires>(timers, locks_, options_.connection.timeout)),
      clock_(std::make_shared<ServerClock>(timers, operations_, options_.clock_interval, options_.connection.timeout,
                                           [this] { notifications_.notify_resync(); })),
      notifications_(timers, random, options_, std::move(reached_majority), [this] { return clock_offset(); }) {
  // Values read before may be of another server, as after a failover the connection for messages may have moved
  // first, or of a server that has lost its data since then. Without the clock's offset, so at first, nothing has been
  // read.
  runner_->on_connected([this] {
    clock_->measure_now();
    uncertain_->connected();
    notifications_.notify_resync();
    if (connected_) connected_();
  });
}

RedisServer::~RedisServer() { end(); }

void RedisServer::start() {
  if (stopped_) return;
  runner_->start();
  clock_->start();
  notifications_.start();
}

void RedisServer::stop() {
  if (std::exchange(stopped_, true)) return;
  notifications_.stop();
  clock_->stop();
  if (!runner_->is_connected() || (calls_ == 0 && uncertain_->idle())) {
    end();
  } else {
    start_task(timers_.executor(), stop_when_idle(shared_from_this()));
  }
}

void RedisServer::end() {
  if (std::exchange(ended_, true)) return;
  stopped_ = true;
  notifications_.stop();
  clock_->stop();
  uncertain_->stop();
  runner_->on_connected(nullptr);
  runner_->stop();
  call_ended_.notify();
}

// Releases that a majority has answered are still on their way to the others.
Task<> RedisServer::stop_when_idle(std::shared_ptr<RedisServer> self) {
  try {
    const BootTime deadline = self->deadline();
    bool in_time = true;
    while (self->calls_ > 0 && !self->ended_ && in_time) in_time = co_await self->call_ended_.wait_until(deadline);
    co_await self->uncertain_->wait_idle(deadline);
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  self->end();
}

Task<RedisServer::Turn> RedisServer::in_turn(Subject subject, BootTime deadline) {
  Turn turn = co_await turns_.wait(keys_of(subject).lock, deadline);
  if (!turn) throw redis::NotSentError(display() + ": no answer in time");
  co_return turn;
}

Task<RedisServer::Grant> RedisServer::acquire(Subject subject, std::shared_ptr<const AcquireAttempt> attempt,
                                              BootTime deadline) {
  using Unanswered = UncertainAcquires::Unanswered;
  const RedisKeys keys = keys_of(subject);
  const bool is_token = subject.kind == Subject::Kind::token;
  if (is_token) {
    co_await clock_->get(deadline);  // without it the record cannot be read
    deadline = next_deadline(deadline);
    notifications_.own(subject, attempt->owner);  // before it is sent: the claim may be heard before the answer
  }
  if (attempt->abandoned) throw redis::NotSentError(display() + ": no answer in time");
  Grant grant;
  grant.sent_at = now();
  try {
    JETON_FAILPOINT(is_token ? "redis.acquire.sending" : "locks.acquire.sending");
    if (is_token) {
      grant.answer = co_await locks_.acquire_updater(keys, *attempt, deadline);
    } else {
      grant.answer = co_await locks_.acquire_application(keys, *attempt, deadline);
    }
    JETON_FAILPOINT(is_token ? "redis.acquire.answered" : "locks.acquire.answered");
    // All hosts count with the clock of a single server. The clock of one of a quorum may be wrong.
    const Milliseconds ahead = is_token && !in_quorum_ ? clock_offset().value_or(Milliseconds{0}) : Milliseconds{0};
    if (grant.answer.fence >= fence_limit(wall_now() + ahead)) {
      // The attempt ends: servers, records and the resources that a lock protects would refuse every later fence.
      throw TransportError(display() + ": its fence is a century ahead; check the clock of the server");
    }
  } catch (const redis::NotSentError&) {
    throw;
  } catch (const boost::system::system_error&) {
    if (attempt->owner_is_new) uncertain_->cancel(keys, attempt->owner, attempt->ttl, Unanswered::not_awaited);
    throw;
  } catch (const redis::ServerError&) {
    if (attempt->owner_is_new) uncertain_->cancel(keys, attempt->owner, attempt->ttl, Unanswered::refused);
    throw;
  } catch (const Error&) {
    if (attempt->owner_is_new) uncertain_->cancel(keys, attempt->owner, attempt->ttl, Unanswered::connection_lost);
    throw;
  }
  if (grant.answer.outcome == LockOperations::Acquired::Outcome::won && !grant.answer.replicated) {
    // After a failover, another owner could take it as well.
    uncertain_->cancel(keys, grant.answer.owner, attempt->ttl, Unanswered::not_awaited);
    throw TransportError(display() + ": " + too_few_replicas(is_token ? "the updater lock" : "the lock"));
  }
  grant.record = decode(subject, std::exchange(grant.answer.record, std::nullopt));
  co_return grant;
}

Task<AcquireResult> RedisServer::try_acquire(Subject subject, AcquireRequest request) {
  const auto attempt = std::make_shared<AcquireAttempt>(std::move(request));
  Grant grant = co_await acquire(subject, attempt, deadline());
  const LockOperations::Acquired& answer = grant.answer;
  AcquireResult result;
  if (answer.outcome == LockOperations::Acquired::Outcome::won) {
    result.lease = Lease{answer.owner, answer.fence, attempt->ttl, lease_valid_until(grant.sent_at, attempt->ttl),
                         answer.stored_generation};
  } else {
    result = refusal_of(answer, now(), keys_of(subject).lock);
  }
  result.current = std::move(grant.record);
  co_return result;
}

Task<bool> RedisServer::renew(Subject subject, Lease& lease, BootTime deadline) {
  const Milliseconds ttl = expiry_ms(lease.ttl);
  const BootTime sent_at = now();
  const bool held = co_await locks_.renew(keys_of(subject), lease.owner, lease.fence, ttl, deadline);
  if (held) lease.valid_until = lease_valid_until(sent_at, ttl);
  co_return held;
}

Task<bool> RedisServer::pass(Subject subject, FormerOwners former, Lease& lease, LockNote note, bool confirmed,
                             BootTime deadline) {
  const BootTime sent_at = now();
  bool replicated = true;
  bool* const ask_replicas = confirmed ? nullptr : &replicated;
  const bool held =
      co_await locks_.pass(keys_of(subject), std::move(former), lease, std::move(note), deadline, ask_replicas);
  if (held && !replicated) throw TransportError(display() + ": " + too_few_replicas("the lock's new owner"));
  if (held) lease.valid_until = lease_valid_until(sent_at, expiry_ms(lease.ttl));
  co_return held;
}

Task<PublishResult> RedisServer::publish(Subject subject, std::shared_ptr<const Record> record, std::string owner,
                                         BootTime deadline) {
  using Outcome = RedisOperations::Published::Outcome;
  const RedisKeys keys = keys_of(subject);
  Record there = *record;
  const Milliseconds offset = co_await clock_->get(deadline);
  deadline = next_deadline(deadline);
  shift_times(there, offset);
  const SecretString text = options_.codec.encode(subject.name, there);
  JETON_FAILPOINT("redis.publish.sending");
  RedisOperations::Published answer;
  try {
    answer = co_await operations_.publish(keys, owner, there, text, deadline);
  } catch (const redis::ServerError&) {
    refused_until_ = now() + refusal_lasts;
    throw;
  }
  refused_until_ = {};
  JETON_FAILPOINT("redis.publish.answered");
  PublishResult result;
  result.stored = answer.outcome == Outcome::stored;
  if (!result.stored) result.current = decode(subject, answer.record);
  if (answer.outcome != Outcome::refused && !answer.replicated) {
    // The token was fetched and the fleet has heard of it, so it counts all the same; its holder restores it on
    // a primary that has lost it.
    log::warning(log::replicas_missing, "published, but a failover could lose it",
                 {{"token", subject.name}, {"endpoint", display()}, {"error", too_few_replicas("the record")}});
  }
  if (answer.outcome == Outcome::same) {
    // By an attempt whose answer was lost, or by a repair; unless two fences were ever the same.
    result.stored = result.current && result.current->value == record->value;
    if (!result.current && answer.record) {
      // Garbage, or sealed with a key that no host has any more: a host without the token could not get it.
      result.stored = co_await operations_.replace(keys, *answer.record, text, next_deadline(deadline));
    }
  }
  co_return result;
}

Task<RedisServer::Loaded> RedisServer::load(Subject subject, BootTime deadline) {
  co_await clock_->get(deadline);
  deadline = next_deadline(deadline);
  const std::optional<SecretString> text = co_await operations_.load(keys_of(subject), deadline);
  Loaded loaded;
  loaded.record = decode(subject, text);
  loaded.unreadable = text && !loaded.record;
  co_return loaded;
}

std::string RedisServer::last_error() const {
  const std::string reason = runner_->last_error();
  return reason.empty() ? display() + ": connection lost" : reason;  // lost a moment ago, not reported yet
}

std::string RedisServer::too_few_replicas(const std::string& what) const {
  return "fewer than " + std::to_string(options_.replicas_acked) + " replicas have " + what +
         " in time; repair the replication, or lower coordination.redis.replicas_acked";
}

std::optional<Record> RedisServer::decode(const Subject& subject, const std::optional<SecretString>& text) {
  if (!text) return std::nullopt;
  try {
    Record stored = options_.codec.decode(subject.name, text->reveal());
    Record record = to_local_time(std::move(stored), clock_offset().value_or(Milliseconds{0}), wall_now());
    notifications_.note_readable(subject);
    return record;
  } catch (const Error& e) {
    if (notifications_.notify_unreadable(subject, e.what())) {
      log::warning(
          log::record_ignored, "ignored a malformed record; the next publication replaces it",
          {{"token", subject.name}, {"server", display()}, {"key", keys_of(subject).token}, {"error", e.what()}});
    }
    return std::nullopt;
  }
}

}  // namespace jeton::agent
