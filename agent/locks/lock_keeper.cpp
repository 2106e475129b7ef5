#include "agent/locks/lock_keeper.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"
#include "agent/base/task.hpp"
#include "agent/config/text/values.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/fleet/lock_holder.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_retry = 500ms;  // of a renewal that did not reach the store
constexpr Duration shortest_retry = 10ms;
// A lock that is held for less, or is looked at more often anyway, costs no subscription.
constexpr Duration held_for_long = 100ms;
constexpr Duration look_patience = 100ms;
constexpr std::size_t longest_trouble = 1000;

// A little before the holder knows it by its own clock, so that it hears the cause.
BootTime loss_reported_at(const Lease& lease) { return lease.valid_until - std::min<Duration>(lease.ttl / 50, 20ms); }

BootTime renewal_of(const Lease& lease, BootTime now) { return now + lease.ttl / 3; }

struct Look {
  explicit Look(Timers& timers) : ended(timers) {}
  std::optional<LockView> found;
  bool over = false;
  Event ended;
};

Task<> look_up(LockStore& store, LockId id, std::shared_ptr<Look> look) {
  try {
    look->found = co_await store.show(std::move(id));
  } catch (const Error&) {
    // Not known, then.
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  look->over = true;
  look->ended.notify();
}

// At most some lines: the servers of a quorum may have one each.
std::string short_trouble(const std::string& trouble) { return trouble.substr(0, longest_trouble); }

}  // namespace

std::string found_instead(const LockView& found) {
  if (!found.held) return "it has expired, was deleted, or was released";
  return "another owner has it now: " + holder_text(found.note, found.owner);
}

Task<std::string> ask_current_state(Timers& timers, LockStore& store, LockId id) {
  const auto look = std::make_shared<Look>(timers);
  start_task(timers.executor(), look_up(store, std::move(id), look));
  const BootTime until = timers.clock().boot_now() + look_patience;
  bool in_time = true;
  while (!look->over && in_time) in_time = co_await look->ended.wait_until(until);
  if (!look->found) co_return "it has expired, was deleted, was released, or was taken by another owner";
  co_return found_instead(*look->found);
}

LockKeeper::LockKeeper(Context context, Callbacks callbacks)
    : context_(context), callbacks_(std::move(callbacks)), turns_(context.timers), wake_(context.timers) {}

void LockKeeper::hold(const LockId& id, Lease lease, Tenure tenure, bool renewed) {
  const BootTime renew_at = tenure.confirmed ? renewal_of(lease, now()) : now();
  const BootTime listen_at = now() + held_for_long;
  std::string told_owner = lease.owner;
  held_.push_back({id, std::move(lease), std::move(tenure), renew_at, listen_at});
  held_.back().told_owner = std::move(told_owner);
  if (!renewed) return;
  guard();
  wake_.notify();
  if (std::exchange(running_, true)) return;
  start_task(context_.timers.executor(), run(shared_from_this()));
}

Task<> LockKeeper::run(Self self) {
  try {
    while (!self->ended_ && !self->held_.empty()) {
      BootTime next = BootTime::max();
      self->listen_due();
      for (const HeldLock& lock : self->held_) next = std::min({next, lock.renew_at, lock.listen_at});
      if (self->now() < next) {
        co_await self->wake_.wait_until(next);
      } else {
        co_await self->renew_due();
      }
    }
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
}

void LockKeeper::end() {
  ended_ = true;
  if (guard_ != 0) context_.timers.cancel(std::exchange(guard_, 0));
  wake_.notify();
}

void LockKeeper::drop(const std::string& name) {
  std::erase_if(held_, [&](const HeldLock& lock) { return lock.id.name == name; });
}

void LockKeeper::listen_due() {
  for (HeldLock& lock : held_) {
    if (lock.listen_at > now()) continue;
    lock.listen_at = BootTime::max();
    if (lock.lease.ttl / 3 <= held_for_long) continue;
    lock.watch = context_.queue.watch(lock.id, [weak = weak_from_this(), name = lock.id.name] {
      const auto self = weak.lock();
      HeldLock* held = self ? self->find_held(name) : nullptr;
      if (held == nullptr) return;
      held->renew_at = BootTime{};
      self->wake_.notify();
    });
    lock.renew_at = BootTime{};  // a release before this was not heard
  }
}

// By index: a lock may join while one is renewed.
Task<> LockKeeper::renew_due() {
  for (std::size_t i = 0; i < held_.size() && !ended_; ++i) {
    if (held_[i].renew_at > now()) continue;
    const LockId id = held_[i].id;
    held_[i].renew_at = BootTime::max();
    const auto turn = co_await turns_.wait(id.name, BootTime::max());
    if (ended_) co_return;
    if (held_[i].renew_at != BootTime::max()) continue;  // it was extended, or a release was heard, meanwhile
    held_[i].missed.asked_at = now();
    Lease lease = held_[i].lease;
    bool kept = false;
    std::optional<std::string> trouble;
    try {
      kept = co_await ask_store(held_[i], lease);
    } catch (const TransportError& e) {
      trouble = e.what();
      log::debug("a lock could not be renewed; trying again", {{"lock", id.name}, {"error", e.what()}});
    }
    HeldLock* const found = find_held(id.name);
    if (found == nullptr) co_return;
    HeldLock& lock = *found;
    if (kept) lock.lease.owner = lease.owner;  // also for the release
    if (ended_) co_return;
    lock.missed.asked_at.reset();
    if (trouble) {
      not_answered(lock, *trouble);
    } else if (!kept) {
      co_await lose_to_another(id);
    } else {
      // A release that was heard meanwhile is looked at with another renewal.
      if (lock.renew_at == BootTime::max()) lock.renew_at = renewal_of(lease, now());
      renewed(lock, lease);
    }
  }
}

// `lease`: a copy of that of the lock, which may leave meanwhile.
Task<bool> LockKeeper::ask_store(const HeldLock& lock, Lease& lease) {
  const Tenure& tenure = lock.tenure;
  if (tenure.former.empty()) return context_.store.extend(lock.id, lease);
  if (!tenure.confirmed) JETON_FAILPOINT("locks.pass.sending");
  return context_.store.pass(lock.id, tenure.former, lease, tenure.note, tenure.confirmed);
}

// The guard reports the loss in time, however long this takes.
void LockKeeper::not_answered(HeldLock& lock, const std::string& trouble) {
  lock.missed.asked_at.reset();
  lock.missed.trouble = trouble;
  note_trouble();
  lock.renew_at = now() + std::clamp<Duration>(lock.lease.ttl / 20, shortest_retry, longest_retry);
}

void LockKeeper::renewed(HeldLock& lock, const Lease& lease) {
  lock.missed = {};
  lock.lease = lease;
  lock.tenure.confirmed = true;
  ++renewals_;
  note_trouble();
  guard();
  callbacks_.changed();
}

// The store has said that it is not ours. If it ran out before that, the renewals that failed are the cause.
Task<> LockKeeper::lose_to_another(LockId id) {
  HeldLock* lock = find_held(id.name);
  if (lock->missed.trouble.empty()) lock->missed.trouble = "the store no longer has it with our owner id";
  const std::string found = co_await ask_current_state(context_.timers, context_.store, id);
  lock = find_held(id.name);
  if (lock == nullptr || ended_) co_return;
  callbacks_.lost(id.name, now() < lock->lease.valid_until ? found : why_run_out(*lock) + "; " + found);
}

std::string LockKeeper::why_run_out(const HeldLock& lock) const {
  const MissedRenewal& missed = lock.missed;
  std::string text = "it could not be renewed in time: ";
  if (!missed.trouble.empty()) {
    text += short_trouble(missed.trouble);
  } else if (missed.asked_at) {
    text += "no answer for " + format_duration(to_ms(now() - *missed.asked_at)) + " from " +
            context_.store.health().endpoint;
  } else {
    text += "the agent did not run when the renewal was due; was the host suspended or overloaded?";
  }
  return text;
}

Task<bool> LockKeeper::extend(std::string name, Duration ttl) {
  const Self self = shared_from_this();
  const auto turn = co_await turns_.wait(name, BootTime::max());
  HeldLock* lock = find_held(name);
  if (lock == nullptr || ended_) co_return false;
  lock->lease.ttl = ttl;
  // The store may have it for no longer from now on, also if the answer is lost.
  lock->lease.valid_until = std::min(lock->lease.valid_until, lease_valid_until(now(), ttl));
  lock->missed.asked_at = now();
  stop_passing(name);
  guard();
  Lease lease = lock->lease;
  const LockId id = lock->id;
  bool kept = false;
  std::exception_ptr unreachable;
  try {
    kept = co_await ask_store(*lock, lease);
  } catch (const TransportError& e) {
    unreachable = std::current_exception();
    lock = find_held(name);
    if (lock != nullptr && !ended_) not_answered(*lock, e.what());
    wake_.notify();
  }
  if (unreachable) std::rethrow_exception(unreachable);
  lock = find_held(name);
  if (lock == nullptr) co_return false;
  if (kept) lock->lease.owner = lease.owner;
  if (ended_) co_return false;
  if (!kept) {
    co_await lose_to_another(id);
    co_return false;
  }
  lock->renew_at = renewal_of(lease, now());
  if (!lock->watch) lock->listen_at = now();
  renewed(*lock, lease);
  wake_.notify();
  co_return true;
}

Task<> LockKeeper::know_owner(LockId id) {
  if (id.terms.protocol != TokenLockConfig::Protocol::getset) co_return;
  const Self self = shared_from_this();
  [[maybe_unused]] const auto turn = co_await turns_.wait(id.name, BootTime::max());
  HeldLock* lock = find_held(id.name);
  if (lock == nullptr || lock->missed.trouble.empty()) co_return;
  Lease lease = lock->lease;
  bool kept = false;
  try {
    kept = co_await context_.store.extend(id, lease);
  } catch (const TransportError&) {
    // The release will find that, too.
  }
  lock = find_held(id.name);
  if (kept && lock != nullptr) lock->lease.owner = lease.owner;
}

void LockKeeper::stop_passing(const std::string& name) {
  if (HeldLock* lock = find_held(name)) lock->tenure.last_fence = 0;
}

BootTime LockKeeper::valid_until() const {
  BootTime first = BootTime::max();
  for (const HeldLock& lock : held_) first = std::min(first, lock.lease.valid_until);
  return first;
}

HeldLock* LockKeeper::find_held(const std::string& name) {
  return const_cast<HeldLock*>(std::as_const(*this).find(name));
}

const HeldLock* LockKeeper::find(const std::string& name) const {
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const HeldLock& l) { return l.id.name == name; });
  return found == held_.end() ? nullptr : &*found;
}

// Of the first that has one.
void LockKeeper::note_trouble() {
  const auto troubled =
      std::find_if(held_.begin(), held_.end(), [](const HeldLock& lock) { return !lock.missed.trouble.empty(); });
  std::string trouble = troubled == held_.end() ? std::string() : short_trouble(troubled->missed.trouble);
  if (trouble == trouble_) return;
  trouble_ = std::move(trouble);
  callbacks_.changed();
}

void LockKeeper::guard() {
  if (ended_) return;
  if (guard_ != 0) context_.timers.cancel(guard_);
  BootTime first = BootTime::max();
  for (const HeldLock& lock : held_) first = std::min(first, loss_reported_at(lock.lease));
  guard_ = context_.timers.schedule(first, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->guard_ = 0;
    for (const HeldLock& lock : self->held_) {
      if (self->now() < loss_reported_at(lock.lease)) continue;
      self->callbacks_.lost(std::string(lock.id.name), self->why_run_out(lock));
      return;
    }
  });
}

}  // namespace jeton::agent
