#include "agent/fleet/redlock/redlock_node.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/record/record_times.hpp"

namespace jeton::agent {
namespace {

// The messages of a server that has its vote through another connection are heard all the same.
redis::ConnectOptions for_messages(redis::ConnectOptions options) {
  options.identified = nullptr;
  return options;
}

}  // namespace

RedlockNode::RedlockNode(Timers& timers, Random& random, Options options)
    : timers_(timers),
      prefix_(options.prefix),
      database_(options.connection.database),
      is_locks_(options.locks),
      codec_(options.codec),
      timeout_(options.connection.timeout),
      call_ended_(timers),
      turns_(timers),
      client_(std::make_shared<redis::Client>(timers, random, options.connection)),
      operations_(client_, RedisKeys::clock(prefix_), codec_),
      locks_(operations_),
      steps_(client_),
      cleanup_(timers, operations_, timeout_),
      clock_(timers, operations_, options.clock_interval, timeout_, [this] { channels_.tell_gaps(); }),
      channels_(timers, random, {for_messages(options.connection), nullptr, options.keepalive, options.locks}, prefix_,
                codec_, [this] { return clock_offset(); }),
      records_(codec_, timers.clock(), channels_) {
  channels_.tell_only(std::move(options.is_news));
  client_->on_connected([this] {
    clock_.measure_now();
    // The server may have been restarted without its data, and the channels have come up before: who asked for the
    // record then got no answer from here.
    channels_.tell_gaps();
  });
}

RedlockNode::~RedlockNode() { end(); }

void RedlockNode::start() {
  client_->start();
  clock_.start();
  channels_.start();
}

void RedlockNode::stop() {
  if (stopped_) return;
  stopped_ = true;
  channels_.stop();
  clock_.stop();
  if (!client_->is_connected() || (calls_ == 0 && cleanup_.idle())) {
    end();
  } else {
    start_task(timers_.executor(), stop_when_idle(shared_from_this()));
  }
}

void RedlockNode::end() {
  if (ended_) return;
  ended_ = stopped_ = true;
  channels_.stop();
  clock_.stop();
  cleanup_.stop();
  client_->on_connected(nullptr);
  client_->stop();
  call_ended_.notify();
}

// Releases that a majority has answered are still on their way to the others.
Task<> RedlockNode::stop_when_idle(Self self) {
  try {
    const BootTime deadline = self->now() + self->timeout_;
    bool in_time = true;
    while (self->calls_ > 0 && !self->ended_ && in_time) in_time = co_await self->call_ended_.wait_until(deadline);
    co_await self->cleanup_.wait_idle(deadline);
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  self->end();
}

Task<RedlockNode::Turn> RedlockNode::in_turn(Self self, std::string key, BootTime deadline) {
  Turn turn = co_await self->turns_.wait(std::move(key), deadline);
  if (!turn) throw redis::NotSentError(self->display() + ": no answer in time");
  co_return turn;
}

Task<RedlockNode::Vote> RedlockNode::acquire(Self self, std::string name, std::shared_ptr<const RedlockAttempt> attempt,
                                             BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_await self->clock_.get(deadline);
  if (attempt->abandoned) throw redis::NotSentError(self->display() + ": no answer in time");
  Vote vote;
  try {
    if (self->is_locks_) {
      LockOperations::Acquired answer =
          co_await self->locks_.acquire(keys, attempt->owner, attempt->ttl, attempt->note, deadline);
      vote.note = std::move(answer.note);
      vote.answer = std::move(answer);
    } else {
      vote.answer = co_await self->operations_.acquire(keys, attempt->owner, attempt->ttl, deadline);
    }
    JETON_FAILPOINT("redlock.acquire.answered");
    check_fence(vote.answer.fence, self->timers_.clock().wall_now(), self->display());
  } catch (const redis::NotSentError&) {
    throw;
  } catch (const boost::system::system_error&) {
    self->take_back_in_doubt(name, *attempt);
    throw;
  } catch (const Error&) {
    // Whatever the others say: this vote does not count, so the lock must not stay here unknown.
    self->take_back_in_doubt(name, *attempt);
    throw;
  }
  if (attempt->abandoned && vote.answer.outcome == RedisOperations::Acquired::Outcome::won) {
    // Before the next question about this lock, which would find it held.
    try {
      co_await self->operations_.release(keys, attempt->owner, self->now() + self->timeout_);
    } catch (const Error&) {
      self->take_back_in_doubt(name, *attempt);
    }
  }
  vote.record = self->decode(name, vote.answer.record);
  vote.answer.record.reset();
  co_return vote;
}

Task<bool> RedlockNode::raise_fence(Self self, std::string name, std::string owner, std::uint64_t fence,
                                    BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_return co_await self->steps_.raise_fence(keys, owner, fence, deadline);
}

Task<bool> RedlockNode::renew(Self self, std::string name, std::string owner, Milliseconds ttl, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_return co_await self->operations_.renew(keys, owner, ttl, deadline);
}

Task<bool> RedlockNode::take_again(Self self, std::string name, std::string owner, std::uint64_t fence,
                                   Milliseconds ttl, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  bool taken = false;
  try {
    taken = co_await self->steps_.take_again(keys, owner, ttl, deadline);
    if (taken) co_await self->steps_.raise_fence(keys, owner, fence, deadline);
  } catch (const redis::NotSentError&) {
    throw;
  } catch (const Error&) {
    self->take_back(name, owner, ttl, LockCleanup::Doubt::connection_lost);
    throw;
  }
  co_return taken;
}

Task<bool> RedlockNode::release(Self self, std::string name, std::string owner, Milliseconds ttl, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  try {
    const Turn turn = co_await in_turn(self, keys.updater, deadline);
    const bool deleted = co_await self->operations_.release(keys, owner, deadline);
    co_return deleted;
  } catch (const Error&) {
    self->take_back(name, owner, ttl, LockCleanup::Doubt::connection_lost);
    throw;
  }
}

Task<bool> RedlockNode::force_release(Self self, std::string name, std::string message_id, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  // Behind a vote that is still on its way here: it would take the lock again.
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_return co_await self->locks_.force_release(keys, message_id, deadline);
}

Task<LockView> RedlockNode::show(Self self, std::string name, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  co_return co_await self->locks_.show(keys, fence_limit(self->timers_.clock().wall_now()), deadline);
}

Task<std::optional<FetchCount>> RedlockNode::fetches(Self self, std::string name, std::string owner,
                                                     BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_return co_await self->steps_.fetches(keys, owner, deadline);
}

Task<bool> RedlockNode::count_fetch(Self self, std::string name, std::string owner, RedlockSteps::Fetch fetch,
                                    BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Turn turn = co_await in_turn(self, keys.updater, deadline);
  co_return co_await self->steps_.count_fetch(keys, owner, fetch, deadline);
}

Task<RedlockNode::Stored> RedlockNode::publish(Self self, std::string name, std::shared_ptr<const Record> record,
                                               std::string owner, Milliseconds ttl, BootTime deadline) {
  using Outcome = RedisOperations::Published::Outcome;
  const RedisKeys keys = self->keys_of(name);
  RedisOperations::Published answer;
  SecretString text;
  Turn turn;
  try {
    if (!owner.empty()) turn = co_await in_turn(self, keys.updater, deadline);
    const Milliseconds offset = co_await self->clock_.get(deadline);
    Record there = *record;
    shift_times(there, offset);
    text = self->codec_.encode(name, there);
    JETON_FAILPOINT("redlock.publish.sending");
    answer = co_await self->operations_.publish(keys, owner, there, text, deadline);
  } catch (const Error&) {
    if (!owner.empty()) self->take_back(name, owner, ttl, LockCleanup::Doubt::connection_lost);
    throw;
  }
  Stored result;
  result.stored = answer.outcome == Outcome::stored;
  if (!result.stored) result.record = self->decode(name, answer.record);
  if (answer.outcome == Outcome::same) {
    // By an attempt whose answer was lost, or by a repair; unless two fences were ever the same.
    result.stored = result.record && result.record->value == record->value;
    if (!result.record && answer.record) {
      // Garbage, or sealed with a key that nobody has any more: on a majority it would keep the token from every host.
      result.stored = co_await self->operations_.replace(keys, *answer.record, text, deadline);
    }
  }
  co_return result;
}

Task<RedlockNode::Loaded> RedlockNode::load(Self self, std::string name, BootTime deadline) {
  co_await self->clock_.get(deadline);
  const RedisKeys keys = self->keys_of(name);
  const std::optional<SecretString> text = co_await self->operations_.load(keys, deadline);
  Loaded loaded;
  loaded.record = self->decode(name, text);
  loaded.unreadable = text && !loaded.record;
  co_return loaded;
}

Task<bool> RedlockNode::pause(Self self, std::string name, Pause pause, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Milliseconds left = expiry_ms(pause.until - self->now());
  co_await self->operations_.pause(keys, left, pause.reason, pause.request, deadline);
  co_return true;
}

Task<bool> RedlockNode::resume(Self self, std::string name, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  co_await self->operations_.resume(keys, deadline);
  co_return true;
}

Task<bool> RedlockNode::announce_rejection(Self self, std::string name, Generation generation, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  co_await self->operations_.announce_rejection(keys, generation, deadline);
  co_return true;
}

Task<FetchUsage> RedlockNode::usage(Self self, std::string name, BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const RedisOperations::Usage answer = co_await self->operations_.usage(keys, deadline);
  FetchUsage usage;
  usage.calls = answer.calls;
  usage.paused = answer.paused;
  if (answer.window_left) usage.window_end = self->now() + *answer.window_left;
  co_return usage;
}

Task<bool> RedlockNode::restore_usage(Self self, std::string name, FetchUsage usage, Milliseconds window,
                                      BootTime deadline) {
  const RedisKeys keys = self->keys_of(name);
  const Milliseconds left = to_ms(usage.window_end.value_or(self->now()) - self->now());
  co_await self->operations_.restore_usage(keys, usage.calls, left, window, deadline);
  co_return true;
}

void RedlockNode::take_back(const std::string& name, const std::string& owner, Milliseconds ttl,
                            LockCleanup::Doubt doubt) {
  cleanup_.take_back(keys_of(name), owner, ttl, doubt);
}

void RedlockNode::take_back_in_doubt(const std::string& name, const RedlockAttempt& attempt) {
  if (!attempt.owner_is_new) return;
  take_back(name, attempt.owner, attempt.ttl, LockCleanup::Doubt::connection_lost);
}

std::string RedlockNode::last_error() const {
  const std::string reason = client_->last_error();
  return reason.empty() ? display() + ": connection lost" : reason;  // lost a moment ago, not reported yet
}

std::optional<Milliseconds> RedlockNode::clock_offset() const {
  if (!clock_.known()) return std::nullopt;
  return clock_.offset();
}

std::optional<Record> RedlockNode::decode(const std::string& name, const std::optional<SecretString>& text) {
  return records_.read(name, text, clock_.offset(), display(), keys_of(name).token);
}

}  // namespace jeton::agent
