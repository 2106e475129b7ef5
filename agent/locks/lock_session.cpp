#include "agent/locks/lock_session.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration longest_retry = 500ms;  // of a renewal or release that did not reach the store
constexpr Duration shortest_retry = 10ms;
// A lock that is held for less, or is looked at more often anyway, costs no subscription.
constexpr Duration held_for_long = 1s;

BootTime renewal_of(const Lease& lease, BootTime now) { return now + lease.ttl / 3; }

}  // namespace

LockSession::LockSession(Context context, LockRequest request)
    : context_(context),
      request_(std::move(request)),
      ticket_(std::make_shared<LockTicket>(context.timers)),
      keeper_(context.timers),
      changed_(context.timers) {}

void LockSession::start(const Self& self, std::function<void(LockSession*)> on_end) {
  boost::asio::co_spawn(self->context_.timers.executor(), run(self, std::move(on_end)), boost::asio::detached);
}

Task<> LockSession::run(Self self, std::function<void(LockSession*)> on_end) {
  try {
    std::string failure;
    try {
      if (self->request_.resumed.empty()) {
        co_await self->take_all();
      } else {
        co_await self->resume_all();
      }
    } catch (const Error& e) {
      failure = e.what();
    }
    if (!failure.empty() && !self->request_.resumed.empty()) self->abandon();  // the client asks again
    if (!failure.empty() && !self->ending()) {
      self->reason_ = failure;
      self->enter(State::failed);
    }
    while (self->state_ == State::held && !self->ending() && !self->delivered_) co_await self->changed_.wait();
    if (self->state_ == State::held && !self->delivered_) self->enter(State::releasing);
    if (!self->delivered_) co_await self->give_back();
    if (self->cancelled_ && !self->delivered_ && self->state_ != State::lost) {
      self->enter(self->handed_over_ ? State::handed_over : State::ended);
    }
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  if (self->guard_ != 0) self->context_.timers.cancel(std::exchange(self->guard_, 0));
  self->changed_.notify();
  on_end(self.get());
}

Task<> LockSession::take_all() {
  const BootTime give_up_at = request_.wait > Duration{0} ? now() + request_.wait : BootTime{};
  for (const LockId& id : request_.locks) {
    LockWish wish{id, request_.owner, request_.ttl, request_.note, give_up_at, request_.retry};
    const auto on_busy = [this](const LockTry& busy) {
      busy_ = busy;
      if (state_ == State::trying) enter(State::waiting);
    };
    LockTry result = co_await context_.lines.take(std::move(wish), ticket_, on_busy);
    if (result.lease) hold(id, std::move(*result.lease));
    if (ending()) co_return;
    if (!result.lease) {
      busy_ = std::move(result);
      co_await give_back();
      enter(State::busy);
      co_return;
    }
  }
  JETON_FAILPOINT("locks.session.held");
  enter(State::held);
}

// The locks that the client had at an agent that is gone, as long as they are still its own. One that is asked for is
// held, whatever becomes of the others and of the client, so that it is given back with them.
Task<> LockSession::resume_all() {
  for (const LockId& id : request_.locks) {
    Lease lease{request_.resumed.at(id.name), 0, request_.ttl, now() + request_.ttl};
    const bool asked = !ending();
    bool kept = false;
    if (asked) kept = co_await extend_again(id, lease);
    if (asked && !kept && !ending()) was_not_ours(id.name, "it was found expired, deleted or another's");
    if (kept || !asked) hold(id, std::move(lease));
  }
  if (!ending()) enter(State::held);
}

// And learns its fence.
Task<bool> LockSession::extend_again(const LockId& id, Lease& lease) {
  const bool kept = co_await context_.store.extend(id, lease);
  if (!kept) co_return false;
  const LockView view = co_await context_.store.show(id);
  lease.fence = view.fence;
  co_return true;
}

void LockSession::hold(const LockId& id, Lease lease) {
  const BootTime renew_at = renewal_of(lease, now());
  const BootTime listen_at = now() + held_for_long;
  held_.push_back({id, std::move(lease), renew_at, listen_at});
  if (request_.detached) return;
  guard();
  if (std::exchange(keeping_, true)) return;
  boost::asio::co_spawn(context_.timers.executor(), keep(shared_from_this()), boost::asio::detached);
}

Task<> LockSession::keep(Self self) {
  try {
    while (!self->ending() && !self->held_.empty()) {
      BootTime next = BootTime::max();
      self->listen_due();
      for (const HeldLock& lock : self->held_) next = std::min({next, lock.renew_at, lock.listen_at});
      if (self->now() < next) {
        co_await self->keeper_.wait_until(next);
      } else {
        co_await self->renew_due();
      }
    }
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
}

void LockSession::listen_due() {
  for (HeldLock& lock : held_) {
    if (lock.listen_at > now()) continue;
    lock.listen_at = BootTime::max();
    if (lock.lease.ttl / 3 <= held_for_long) continue;
    lock.watch = context_.lines.watch(lock.id, [weak = weak_from_this(), name = lock.id.name] {
      const auto self = weak.lock();
      HeldLock* held = self ? self->find(name) : nullptr;
      if (held == nullptr) return;
      held->renew_at = BootTime{};
      self->keeper_.notify();
    });
    lock.renew_at = BootTime{};  // what was released until now was not heard
  }
}

// By index: a lock may join while one is renewed.
Task<> LockSession::renew_due() {
  for (std::size_t i = 0; i < held_.size() && !ending(); ++i) {
    if (held_[i].renew_at > now()) continue;
    const LockId id = held_[i].id;
    Lease lease = held_[i].lease;
    held_[i].renew_at = BootTime::max();
    bool kept = false;
    bool answered = true;
    try {
      kept = co_await context_.store.extend(id, lease);
    } catch (const TransportError& e) {
      answered = false;
      log::debug("a lock could not be renewed; trying again", {{"lock", id.name}, {"error", e.what()}});
    }
    if (ending() || i >= held_.size()) co_return;
    HeldLock& lock = held_[i];
    if (!answered) {
      // The guard tells the loss in time, whatever this takes.
      lock.renew_at = now() + std::clamp<Duration>(lease.ttl / 20, shortest_retry, longest_retry);
    } else if (!kept) {
      lose(id.name, "it was found expired, deleted or another's");
    } else {
      // Its time to live may have been changed meanwhile.
      lease.ttl = lock.lease.ttl;
      lock.lease = lease;
      // A release that was heard meanwhile is looked at with another renewal.
      if (lock.renew_at == BootTime::max()) lock.renew_at = renewal_of(lease, now());
      ++renewals_;
      guard();
      changed_.notify();
    }
  }
}

// What does not reach the store is tried again until the lock has ended by itself.
Task<> LockSession::give_back() {
  const std::vector<HeldLock> all = std::exchange(held_, {});
  keeper_.notify();
  for (const HeldLock& lock : all) {
    const BootTime ends_at = lock.lease.valid_until + lock.lease.ttl / 50;
    bool done = abandoned_;
    bool in_doubt = state_ == State::lost;  // a release whose answer was lost may have been the one that counts
    while (!done) {
      try {
        const bool released = co_await context_.store.release(lock.id, lock.lease.owner);
        done = true;
        if (!released && !in_doubt) {
          was_not_ours(lock.id.name, "it was not held any more when it was to be given back");
        }
      } catch (const TransportError& e) {
        log::debug("a lock could not be given back; trying again", {{"lock", lock.id.name}, {"error", e.what()}});
        in_doubt = true;
      }
      done = done || abandoned_ || now() >= ends_at;
      if (!done) co_await sleep_for(context_.timers, longest_retry / 2);
    }
  }
}

// Found only now: whoever worked under it must know.
void LockSession::was_not_ours(const std::string& name, const std::string& reason) {
  lost_name_ = name;
  reason_ = reason;
  log::warning("a lock was lost", {{"lock", name}, {"by", request_.note.by}, {"reason", reason_}});
  enter(State::lost);
}

void LockSession::cancel() {
  if (std::exchange(cancelled_, true)) return;
  ticket_->cancel();
  keeper_.notify();
  changed_.notify();
}

void LockSession::hand_over() {
  handed_over_ = true;
  abandon();
  cancel();
}

void LockSession::deliver() {
  if (!request_.detached || state_ != State::held || ending()) return;
  delivered_ = true;
  changed_.notify();
}

void LockSession::ask_to_end() {
  if (std::exchange(asked_to_end_, true)) return;
  reason_ = "the agent stops";
  if (state_ == State::trying || state_ == State::waiting) {
    enter(State::failed);
    cancel();
  }
  changed_.notify();
}

void LockSession::lose(const std::string& name, const std::string& reason) {
  if (ending() || find(name) == nullptr) return;
  lost_name_ = name;
  reason_ = reason;
  log::warning("a lock was lost",
               {{"lock", name}, {"owner", find(name)->lease.owner}, {"by", request_.note.by}, {"reason", reason}});
  enter(State::lost);
  ticket_->cancel();
  keeper_.notify();
}

Task<bool> LockSession::extend(std::string name, Duration ttl) {
  const Self self = shared_from_this();
  HeldLock* lock = find(name);
  if (lock == nullptr || ending()) co_return false;
  lock->lease.ttl = ttl;
  Lease lease = lock->lease;
  const LockId id = lock->id;
  const bool kept = co_await context_.store.extend(id, lease);
  lock = find(name);
  if (lock == nullptr || ending()) co_return false;
  if (!kept) {
    lose(name, "it was found expired, deleted or another's");
    co_return false;
  }
  lock->lease = lease;
  lock->renew_at = renewal_of(lease, now());
  ++renewals_;
  guard();
  keeper_.notify();
  changed_.notify();
  co_return true;
}

HeldLock* LockSession::find(const std::string& name) { return const_cast<HeldLock*>(std::as_const(*this).find(name)); }

const HeldLock* LockSession::find(const std::string& name) const {
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const HeldLock& l) { return l.id.name == name; });
  return found == held_.end() ? nullptr : &*found;
}

BootTime LockSession::valid_until() const {
  BootTime first = BootTime::max();
  for (const HeldLock& lock : held_) first = std::min(first, lock.lease.valid_until);
  return first;
}

void LockSession::enter(State state) {
  state_ = state;
  changed_.notify();
}

void LockSession::guard() {
  if (guard_ != 0) context_.timers.cancel(guard_);
  guard_ = context_.timers.schedule(valid_until(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->guard_ = 0;
    for (const HeldLock& lock : self->held_) {
      if (self->now() < lock.lease.valid_until) continue;
      self->lose(std::string(lock.id.name), "it could not be renewed in time");
      return;
    }
  });
}

}  // namespace jeton::agent
