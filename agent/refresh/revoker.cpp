#include "agent/refresh/revoker.hpp"

#include <algorithm>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/refresh/lease_keeper.hpp"
#include "agent/refresh/schedule.hpp"

namespace jeton::agent {
namespace {

using std::chrono::seconds;

constexpr std::size_t most_pending = 16;  // tokens that were replaced faster than their overlap ends
constexpr Duration longest_sleep = std::chrono::hours(1);
constexpr Duration others_spread = seconds(5);

}  // namespace

Revoker::Revoker(const TokenConfig& config, Milliseconds lock_ttl, Parts parts)
    : config_(config),
      name_(coordinated_name(config.name)),
      lock_ttl_(lock_ttl),
      parts_(std::move(parts)),
      wake_(parts_.timers),
      backoff_({config.refresh.retry_initial, config.refresh.retry_max, config.refresh.retry_initial / 4},
               parts_.random) {}

Revoker::~Revoker() { parts_.signals.subscribe(name_, nullptr); }

void Revoker::note(const Record& current) {
  current_ = current.value;
  std::erase_if(due_, [&](const Due& due) { return due.value == current_; });
  if (current.previous && current.previous->generation > noted_ && !(current.previous->value == current_)) {
    const PreviousToken& previous = *current.previous;
    noted_ = previous.generation;
    Due due{previous.value, previous.generation, previous.expires_at,
            boot_time_of(previous.accept_until, parts_.timers.clock())};
    if (current.fetched_by != parts_.host) {
      due.at += 2 * lock_ttl_ + draw_suppressed_delay(others_spread, parts_.random);
    }
    due_.push_back(std::move(due));
    if (due_.size() > most_pending) due_.pop_front();
  }
  wake_.notify();
}

Task<> Revoker::run() {
  parts_.signals.subscribe(name_, this);
  for (;;) {
    BootTime next = now() + longest_sleep;
    if (!due_.empty()) next = std::min(next, due_.front().at);
    if (now() < next) {
      co_await wake_.wait_until(next);
    } else {
      co_await revoke_first();
    }
  }
}

bool Revoker::moot(const Due& due) const {
  if (due.value == current_) return true;
  return due.expires_at != WallTime{} && due.expires_at <= parts_.timers.clock().wall_now();
}

Task<> Revoker::revoke_first() {
  const Due due = due_.front();
  bool done = moot(due);
  if (!done) done = co_await settle(due);
  if (done) {
    settled(due.generation);
    backoff_.reset();
  } else {
    postpone(due.generation, now() + backoff_.next());
  }
}

void Revoker::settled(Generation generation) {
  std::erase_if(due_, [&](const Due& due) { return due.generation <= generation; });
}

void Revoker::postpone(Generation generation, BootTime at) {
  for (Due& due : due_) {
    if (due.generation == generation) due.at = std::max(due.at, at);
  }
}

Task<bool> Revoker::settle(Due due) {
  std::optional<Lease> lease;
  try {
    AcquireResult result = co_await parts_.leases.try_acquire(name_, lock_ttl_);
    if (result.lease) lease = std::move(*result.lease);
    const bool done = result.current && result.current->generation >= due.generation;
    if (lease && done) co_await parts_.leases.release(name_, *lease);
    if (done) co_return true;
  } catch (const TransportError& e) {
    log::debug("a revocation has to wait for the coordinator", {{"token", config_.name}, {"error", e.what()}});
  }
  if (!lease) co_return false;
  Lease held = std::move(*lease);
  co_return co_await revoke_under(std::move(due), std::move(held));
}

Task<bool> Revoker::revoke_under(Due due, Lease lease) {
  LeaseKeeper keeper(parts_.leases, parts_.timers, name_, std::move(lease));
  keeper.begin_fetch(longest_fetch(config_.source));
  bool revoked = false;
  try {
    JETON_FAILPOINT("revoke.sending");
    SecretString value = due.value;
    co_await parts_.source.revoke(std::move(value));
    revoked = true;
    JETON_FAILPOINT("revoke.done");
    log::info("the token before the current one is revoked at the provider",
              {{"token", config_.name}, {"generation", due.generation}, {"fingerprint", due.value.fingerprint()}});
  } catch (const SourceError& e) {
    log::warning("a token could not be revoked; it is tried again until it has run out",
                 {{"token", config_.name}, {"generation", due.generation}, {"error", e.what()}});
    if (e.kind() == SourceError::Kind::permanent) postpone(due.generation, now() + config_.refresh.retry_permanent);
    if (e.retry_after()) {
      postpone(due.generation, now() + std::min<Duration>(*e.retry_after(), config_.refresh.retry_after_max));
    }
  }
  keeper.end_fetch();
  try {
    if (revoked) {
      Record done;
      done.generation = due.generation;
      done.value = SecretString("revoked");
      done.issued_at = parts_.timers.clock().wall_now();
      done.expires_at = done.issued_at + state_lifetime;
      done.fetched_by = parts_.host;
      co_await parts_.records.publish(name_, done, keeper.lease());
    } else {
      co_await parts_.leases.release(name_, keeper.lease());
    }
  } catch (const TransportError& e) {
    // Another host may revoke it once more, which does no harm.
    log::debug("a revocation could not be noted", {{"token", config_.name}, {"error", e.what()}});
  }
  co_return revoked;
}

}  // namespace jeton::agent
