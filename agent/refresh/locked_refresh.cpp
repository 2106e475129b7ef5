#include "agent/refresh/locked_refresh.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/record/record_check.hpp"
#include "agent/refresh/provider_call.hpp"

namespace jeton::agent {
namespace {

using LockAfter = FetchPath::LockAfter;

SourceError ran_out_before(SecretString state) {
  SourceError failure(
      SourceError::Kind::transient,
      "the source returned an expired token again: by its date it would be valid, but this host's clock "
      "was set back meanwhile; correct the clock, or make the source return a new token");
  failure.set_state(std::move(state));
  return failure;
}

// An answer that came while the agent stops counts as what it is.
RefreshOutcome outcome_of(bool has_token, const std::optional<SourceError>& failure, bool cancelled) {
  if (has_token && !failure) return RefreshOutcome::success;
  if (cancelled || !failure) return RefreshOutcome::stopped;
  return failure->kind() == SourceError::Kind::permanent ? RefreshOutcome::permanent : RefreshOutcome::temporary;
}

}  // namespace

StateKeeper::StateKeeper(RecordKeeper* keeper, const CurrentToken& current, const Clock& clock, RefreshJournal& journal)
    : keeper_(keeper), current_(current), clock_(clock), journal_(journal) {}

std::optional<Record> StateKeeper::load() {
  if (keeper_ == nullptr) return std::nullopt;
  try {
    std::optional<Record> record = keeper_->load();
    if (!record) return std::nullopt;
    check_record(*record, clock_.wall_now());
    kept_ = record->generation;
    if (record->generation >= current_.generation()) return record;
  } catch (const std::exception& e) {
    journal_.state_trouble("read", e);
  }
  return std::nullopt;
}

void StateKeeper::keep(const Record& record, bool state_only) {
  if (keeper_ == nullptr || record.state.empty() || record.generation <= kept_) return;
  try {
    keeper_->save(record);
    kept_ = record.generation;
    if (!state_only) keeper_->forget_answers();  // the chain goes on without them
  } catch (const std::exception& e) {
    journal_.state_trouble("keep", e);
  }
}

void StateKeeper::keep_unread(const SourceError& failure) {
  if (keeper_ == nullptr || failure.unread_answer().empty()) return;
  try {
    keeper_->keep_answer(failure.unread_answer(), clock_.wall_now());
    journal_.answer_kept();
  } catch (const std::exception& e) {
    journal_.state_trouble("keep an answer beside", e);
  }
}

LockedRefresh::LockedRefresh(const TokenConfig& config, Parts parts) : config_(config), parts_(std::move(parts)) {}

Task<> LockedRefresh::run(FetchPath& path, Lease lease) {
  parts_.fleet.lock_taken();
  const Generation generation = parts_.current.next_generation(lease.fence);
  const bool rejected = parts_.current.record() && parts_.request.is_rejection(parts_.current.generation());
  Fetched fetched;
  LeaseKeeper keeper(path.leases(), parts_.timers, config_.name, std::move(lease));
  try {
    if (!other_was_faster()) fetched = co_await fetch(path, keeper);
  } catch (const boost::system::system_error&) {
    fetched.cancelled = true;
  }
  keeper.end_fetch();
  if (fetched.cancelled) {
    // The agent stops. The lock is still released, so that another host need not wait for its TTL.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
  }
  LockAfter lock = LockAfter::held;
  std::optional<Record> record = record_of(fetched, generation, rejected);
  if (fetched.failure) parts_.state.keep_unread(*fetched.failure);  // a publication may take as long as an outage
  if (record) {
    parts_.state.keep(*record, parts_.current.only_carries_state(*record));
    JETON_FAILPOINT("refresh.kept");
    // The record of a state that came with a failure ends the pause on the hosts that receive it. So the lock is
    // released after the new pause is shared: otherwise a host that is due would call in between.
    const Lease no_lease;
    try {
      lock = co_await path.publish(std::move(*record), fetched.failure ? no_lease : keeper.lease(), fetched.cancelled);
    } catch (const boost::system::system_error&) {
      fetched.cancelled = true;
      lock = LockAfter::kept;  // for the next run of this host, which may have to publish
    }
    if (fetched.failure && lock == LockAfter::released) lock = LockAfter::held;
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
      fetched.cancelled = true;
      co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    }
  }
  if (fetched.failure) co_await parts_.pauses.begin(*fetched.failure, path);
  if (lock == LockAfter::held) co_await release_lock(path, keeper.lease());
  const bool cancelled = fetched.cancelled;
  parts_.journal.refresh_ended(outcome_of(fetched.token.has_value(), fetched.failure, cancelled));
  record.reset();
  fetched = {};
  wipe_registers();
  parts_.fleet.lock_released();
  parts_.journal.lock_released();
  if (cancelled) throw boost::system::system_error(boost::asio::error::operation_aborted);
}

// The schedule is of the wall clock, so it comes out a moment later with each look. In the millisecond in which it is
// due it would be of the future, compared with a time that was read before it.
bool LockedRefresh::other_was_faster() const {
  const BootTime scheduled = parts_.timing.scheduled_at();
  return scheduled > parts_.timers.clock().boot_now();
}

RefreshReason LockedRefresh::reason() const {
  if (!parts_.request.is_open(parts_.current.generation())) {
    return parts_.current.valid() ? RefreshReason::due : RefreshReason::missing;
  }
  switch (parts_.request.reason()) {
    case RefreshRequest::Reason::rejected:
      return RefreshReason::rejected;
    case RefreshRequest::Reason::source_changed:
      return RefreshReason::new_source;
    case RefreshRequest::Reason::asked:
      break;
  }
  return RefreshReason::asked;
}

// The call is counted against min_interval and budget before it is made.
Task<LockedRefresh::Fetched> LockedRefresh::fetch(FetchPath& path, LeaseKeeper& keeper) {
  Fetched fetched;
  const SecretString used = parts_.current.record() ? parts_.current.record()->state : SecretString{};
  const bool admitted = co_await path.admit(keeper.lease());
  // A host that repairs a store without data publishes without the lock, also in this moment.
  if (!admitted || other_was_faster()) co_return fetched;
  std::exception_ptr thrown;
  try {
    parts_.journal.fetching(reason());
    keeper.begin_fetch(longest_fetch(config_.source));
    JETON_FAILPOINT("refresh.fetch");
    FetchContext context{used, parts_.request.take_consent(parts_.current.generation())};
    fetched.asked_at = parts_.timers.clock().boot_now();
    if (keeps_state(config_.source)) {
      fetched.token = co_await fetch_uncancellable(parts_.timers, parts_.source, std::move(context), fetched.cancelled);
    } else {
      fetched.token = co_await parts_.source.fetch(std::move(context));
    }
  } catch (const std::exception&) {
    thrown = std::current_exception();
  }
  // The cancellation may come in the moment of the answer: the answer is kept and published nevertheless.
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) fetched.cancelled = true;
  if (!thrown) co_return fetched;
  // A state may have been sent and be spent: sent again soon, it could end the chain at the provider.
  const auto unexpected = keeps_state(config_.source) ? SourceError::Kind::permanent : SourceError::Kind::transient;
  fetched.failure = source_failure(thrown, unexpected, fetched.cancelled);
  const SecretString& state = fetched.failure->state();
  fetched.failure->set_request(request_with(fetched.failure->request(), state.empty() ? used : state));
  co_return fetched;
}

// The record to publish: of the token, or of the state that came with a failure.
std::optional<Record> LockedRefresh::record_of(Fetched& fetched, Generation generation, bool rejected) const {
  if (fetched.token) {
    JETON_FAILPOINT("refresh.fetched");
    const bool is_dated = fetched.token->dated_end.has_value();
    Record record = parts_.current.successor(std::move(*fetched.token), fetched.asked_at, generation, parts_.host,
                                             parts_.source.revokes());
    record.rejections = parts_.rejections.count_with(record, rejected);
    if (!is_dated || record.valid(parts_.timers.clock())) return record;
    fetched.failure = ran_out_before(std::move(record.state));
  }
  if (!fetched.failure || fetched.failure->state().empty()) return std::nullopt;
  return parts_.current.with_state(fetched.failure->state(), generation, parts_.host);
}

Task<> LockedRefresh::release_lock(FetchPath& path, const Lease& lease) {
  try {
    co_await path.leases().release(config_.name, lease);
  } catch (const TransportError& e) {
    log::warning(log::updater_lock_not_released,
                 "the updater lock could not be released: other hosts wait until it expires",
                 {{"token", config_.name}, {"fence", lease.fence}, {"error", e.what()}});
  }
}

}  // namespace jeton::agent
