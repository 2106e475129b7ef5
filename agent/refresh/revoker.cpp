#include "agent/refresh/revoker.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>

#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/refresh/provider_call.hpp"
#include "agent/refresh/schedule.hpp"

namespace jeton::agent {
namespace {

using std::chrono::seconds;

constexpr std::size_t most_pending = 16;  // tokens that were replaced faster than their overlap ends
constexpr Duration longest_sleep = std::chrono::hours(1);
constexpr Duration others_spread = seconds(5);

}  // namespace

Revoker::Revoker(const TokenConfig& config, Milliseconds lock_ttl, Parts parts, Legacy legacy)
    : config_(config),
      name_(coordinated_name(config.name)),
      lock_ttl_(lock_ttl),
      parts_(std::move(parts)),
      wake_(parts_.timers),
      backoff_({config.refresh.retry_initial, config.refresh.retry_max, config.refresh.retry_initial / 4},
               parts_.random),
      state_(std::move(legacy)) {}

Revoker::~Revoker() { parts_.signals.subscribe(name_, nullptr); }

void Revoker::note(const Record& current) {
  current_ = current.value;
  std::erase_if(state_.pending, [&](const PendingRevocation& pending) { return pending.value == current_; });
  if (current.previous && current.previous->generation > state_.noted && !(current.previous->value == current_)) {
    const PreviousToken& previous = *current.previous;
    state_.noted = previous.generation;
    const Clock& clock = parts_.timers.clock();
    const bool has_end = previous.expires_at != WallTime{};
    PendingRevocation pending{previous.value, previous.generation,
                              has_end ? boot_time_of(previous.expires_at, clock) : no_boot_end,
                              boot_time_of(previous.accept_until, clock)};
    if (current.fetched_by != parts_.host) {
      pending.at += 2 * lock_ttl_ + draw_suppressed_delay(others_spread, parts_.random);
    }
    state_.pending.push_back(std::move(pending));
    if (state_.pending.size() > most_pending) state_.pending.pop_front();
  }
  wake_.notify();
}

Task<> Revoker::run() {
  parts_.signals.subscribe(name_, this);
  for (;;) {
    // Not in the order of the tokens: the provider may refuse one of them for long.
    const auto& pending = state_.pending;
    const auto first = std::min_element(pending.begin(), pending.end(),
                                        [](const PendingRevocation& a, const auto& b) { return a.at < b.at; });
    const BootTime longest = now() + longest_sleep;
    const BootTime next = first == pending.end() ? longest : std::min(longest, first->at);
    if (now() < next) {
      co_await wake_.wait_until(next);
    } else {
      PendingRevocation due = *first;
      co_await revoke(std::move(due));
    }
  }
}

bool Revoker::obsolete(const PendingRevocation& pending) const {
  return pending.value == current_ || pending.expires_at <= now();
}

Task<> Revoker::revoke(PendingRevocation pending) {
  bool done = obsolete(pending);
  if (!done) done = co_await settle(pending);
  if (done) {
    settled(pending.generation);
    backoff_.reset();
  } else {
    postpone(pending.generation, now() + backoff_.next());
  }
}

void Revoker::settled(Generation generation) {
  std::erase_if(state_.pending, [&](const PendingRevocation& pending) { return pending.generation == generation; });
}

void Revoker::postpone(Generation generation, BootTime at) {
  for (PendingRevocation& pending : state_.pending) {
    if (pending.generation == generation) pending.at = std::max(pending.at, at);
  }
}

Task<bool> Revoker::settle(PendingRevocation pending) {
  std::optional<Lease> lease;
  Generation last = 0;
  try {
    AcquireResult result = co_await parts_.leases.try_acquire(name_, lock_ttl_);
    if (result.lease) lease = std::move(*result.lease);
    if (result.current) last = result.current->generation;
    const bool done = result.current && result.current->token_generation() == pending.generation;
    if (lease && done) co_await parts_.leases.release(name_, *lease);
    if (done) co_return true;
  } catch (const TransportError& e) {
    log::debug("a revocation has to wait for the coordinator", {{"token", config_.name}, {"error", e.what()}});
  }
  if (!lease) co_return false;
  Lease held = std::move(*lease);
  co_return co_await revoke_under(std::move(pending), std::move(held), last);
}

Task<bool> Revoker::revoke_under(PendingRevocation pending, Lease lease, Generation last) {
  LeaseKeeper keeper(parts_.leases, parts_.timers, name_, std::move(lease));
  keeper.begin_fetch(longest_fetch(config_.source));
  bool revoked = false;
  std::exception_ptr thrown;
  try {
    JETON_FAILPOINT("revoke.sending");
    SecretString value = pending.value;
    co_await parts_.source.revoke(std::move(value));
    revoked = true;
    JETON_FAILPOINT("revoke.done");
    log::info(
        log::token_revoked, "the previous token is revoked at the provider",
        {{"token", config_.name}, {"generation", pending.generation}, {"fingerprint", pending.value.fingerprint()}});
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  if (thrown) {
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    const bool stopping = cancellation.cancelled() != boost::asio::cancellation_type::none;
    const SourceError e = source_failure(thrown, SourceError::Kind::transient, stopping);
    log::warning(log::revocation_failed, "a token could not be revoked; trying again until it expires",
                 {{"token", config_.name}, {"generation", pending.generation}, {"error", e.what()}});
    if (e.kind() == SourceError::Kind::permanent) postpone(pending.generation, now() + config_.refresh.retry_permanent);
    if (e.retry_after()) {
      postpone(pending.generation, now() + std::min<Duration>(*e.retry_after(), config_.refresh.retry_after_max));
    }
  }
  keeper.end_fetch();
  try {
    if (revoked) {
      Record done;
      done.generation = std::max(pending.generation, last + 1);
      done.first_generation = pending.generation;
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
    log::debug("a revocation could not be recorded", {{"token", config_.name}, {"error", e.what()}});
  }
  co_return revoked;
}

}  // namespace jeton::agent
