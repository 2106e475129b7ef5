#include "agent/locks/lock_session.hpp"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/failpoint.hpp"
#include "agent/base/log.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration retry_of_release = 250ms;  // if it did not reach the store

// Whether its locks may be passed on from and to other sessions. A detached lock is its owner's, and not renewed; a
// lock that outlives the agent can be gone on with by its owner id.
bool is_plain(const LockRequest& request) { return !request.detached && !request.outlives_agent; }

}  // namespace

LockSession::LockSession(Context context, LockRequest request)
    : context_(context),
      request_(std::move(request)),
      asked_at_(context.timers.clock().boot_now()),
      waiter_(std::make_shared<Waiter>(context.timers, is_plain(request_))),
      keeper_(std::make_shared<LockKeeper>(
          LockKeeper::Context{context.timers, context.store, context.queue},
          LockKeeper::Callbacks{[this](const std::string& name, const std::string& reason) { lose(name, reason); },
                                [this] { changed_.notify(); }})),
      changed_(context.timers) {}

void LockSession::start(const Self& self, std::function<void(LockSession*)> on_end) {
  start_task(self->context_.timers.executor(), run(self, std::move(on_end)));
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
    const bool asks_again = !self->request_.resumed.empty() && !self->ending();
    if (!failure.empty() && asks_again) self->abandon();
    if (!failure.empty() && !self->ending()) {
      self->reason_ = failure;
      self->enter(State::failed);
    }
    while (self->state_ == State::held && !self->ending() && !self->delivered_) co_await self->changed_.wait();
    if (self->state_ == State::held && !self->delivered_) self->enter(State::releasing);
    if (!self->delivered_) co_await self->release_held();
    if (self->cancelled_ && !self->delivered_ && self->state_ != State::lost) {
      self->enter(self->handed_over_ ? State::handed_over : State::ended);
    }
  } catch (const boost::system::system_error&) {
    // The loop ends.
  }
  self->keeper_->end();
  self->changed_.notify();
  on_end(self.get());
}

Task<> LockSession::take_all() {
  AcquireRequest acquire = request_.acquire;
  acquire.give_up_at = request_.wait > Duration{0} ? now() + request_.wait : BootTime{};
  for (const LockId& id : request_.locks) {
    const auto on_busy = [this](const LockTry& busy) {
      busy_ = busy;
      if (state_ == State::trying) enter(State::waiting);
    };
    busy_name_ = id.name;
    TakenLock result = co_await context_.queue.take(id, acquire, request_.retry, waiter_, on_busy);
    if (result.lease) keeper_->hold(id, *result.lease, result.tenure, !request_.detached);
    if (ending()) co_return;
    if (!result.lease) {
      busy_ = std::move(result);
      co_await release_held();
      enter(State::busy);
      co_return;
    }
  }
  JETON_FAILPOINT("locks.session.held");
  enter(State::held);
}

// The locks that the client had at an agent that is gone, as long as they are still its own. One that is asked for is
// held, even if the others fail or the client ends, so that it is released with them.
Task<> LockSession::resume_all() {
  for (const LockId& id : request_.locks) {
    Lease lease{request_.resumed.at(id.name), 0, request_.acquire.ttl, now() + request_.acquire.ttl};
    const bool asked = !ending();
    std::string lost;
    try {
      if (asked) lost = co_await extend_again(id, lease);
    } catch (const TransportError&) {
      if (!ending()) throw;  // else it may be held: it is released like the others
    }
    if (!lost.empty() && !ending()) was_not_ours(id.name, lost);
    if (lost.empty()) keeper_->hold(id, std::move(lease), {}, !request_.detached);
  }
  if (!ending()) enter(State::held);
}

// Only for the process that took it: another process that knows the owner id would hold it beside a living holder.
// Also reads its fence. Empty: it is held; otherwise why it is lost.
Task<std::string> LockSession::extend_again(const LockId& id, Lease& lease) {
  const LockView view = co_await context_.store.show(id);
  if (!view.held || view.note.by != request_.acquire.note.by) co_return found_instead(view);
  lease.fence = view.fence;
  const bool kept = co_await context_.store.extend(id, lease);
  std::string lost;
  if (!kept) lost = co_await ask_current_state(context_.timers, context_.store, id);
  co_return lost;
}

// To the next client of this host. Not while the store cannot be reached: the next one would soon lose it.
bool LockSession::pass_on(const HeldLock& lock) {
  const bool may = is_plain(request_) && !abandoned_ && state_ != State::lost && lock.missed.trouble.empty();
  return may && context_.queue.pass(lock.id, lock.lease, lock.tenure);
}

// A lock that no client of this host waits for is released in the store. The others do not wait for that.
Task<> LockSession::release_held() {
  keeper_->end();
  const std::vector<HeldLock> all = held();
  for (const HeldLock& lock : all) {
    if (pass_on(lock)) keeper_->drop(lock.id.name);
  }
  while (!held().empty()) {
    if (!abandoned_) co_await keeper_->know_owner(held().front().id);
    const HeldLock lock = held().front();
    co_await release(lock);
    keeper_->drop(lock.id.name);
  }
}

// If it does not reach the store, it is tried again until the lock has expired.
Task<> LockSession::release(HeldLock lock) {
  const BootTime ends_at = lock.lease.valid_until + lock.lease.ttl / 50;
  bool lost = false;
  bool done = abandoned_;
  bool may_be_released = state_ == State::lost;  // a release whose answer was lost may have been the one that counts
  while (!done) {
    try {
      const bool released = co_await context_.store.release(lock.id, lock.lease.owner, lock.tenure.former);
      done = true;
      lost = !released && !may_be_released;
    } catch (const TransportError& e) {
      if (!std::exchange(may_be_released, true)) {
        log::warning(log::lock_not_released, "a lock could not be released; trying again until it expires",
                     {{"lock", lock.id.name}, {"by", by_text()}, {"error", e.what()}});
      }
    }
    done = done || abandoned_ || now() >= ends_at;
    if (!done) co_await sleep_for(context_.timers, retry_of_release);
  }
  if (!lost) co_return;
  const std::string found = co_await ask_current_state(context_.timers, context_.store, lock.id);
  was_not_ours(lock.id.name, "the release found that it was no longer held: " + found);
}

// The loss is found only now: the client, which worked under the lock, must know.
void LockSession::was_not_ours(const std::string& name, const std::string& reason) {
  lost_name_ = name;
  reason_ = reason;
  log::warning(log::held_lock_lost, "a lock was lost", {{"lock", name}, {"by", by_text()}, {"reason", reason_}});
  enter(State::lost);
}

void LockSession::cancel() {
  if (std::exchange(cancelled_, true)) return;
  waiter_->cancel();
  keeper_->end();
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
  reason_ = "the agent is stopping";
  end_wait(reason_);
  changed_.notify();
}

void LockSession::end_wait(const std::string& reason) {
  if (state_ != State::trying && state_ != State::waiting) return;
  reason_ = reason;
  enter(State::failed);
  cancel();
}

void LockSession::stop_passing(const std::string& name) {
  keeper_->stop_passing(name);
  if (waiter_->passed) waiter_->passed->tenure.last_fence = 0;  // it may be this lock
}

void LockSession::lose(const std::string& name, const std::string& reason) {
  if (keeper_->has_ended() || find(name) == nullptr) return;
  lost_name_ = name;
  reason_ = reason;
  log::warning(log::held_lock_lost, "a lock was lost",
               {{"lock", name}, {"owner", find(name)->lease.owner}, {"by", by_text()}, {"reason", reason}});
  enter(State::lost);
  waiter_->cancel();
}

Task<bool> LockSession::extend(std::string name, Duration ttl) { return keeper_->extend(std::move(name), ttl); }

bool LockSession::has_lock_of(const std::string& former_owner) const {
  const auto is_from = [&](const Tenure& tenure) {
    return std::find(tenure.former.begin(), tenure.former.end(), former_owner) != tenure.former.end();
  };
  const Waiter& waiter = *waiter_;
  if (waiter.passed && is_from(waiter.passed->tenure)) return true;
  return std::any_of(held().begin(), held().end(), [&](const HeldLock& lock) { return is_from(lock.tenure); });
}

std::string LockSession::by_text() const { return lock_holder_text(request_.acquire.note.by); }

// A client that goes on with its locks at this agent asked for none.
void LockSession::count(State next) {
  LockTally& tally = context_.tally;
  if (state_ == State::held) tally.holds.add(now() - held_since_);
  if (next == State::held) {
    held_since_ = now();
    if (request_.resumed.empty()) tally.waits.add(held_since_ - asked_at_);
  }
  if (next == State::busy) ++tally.busy;
  if (next == State::failed) ++tally.failed;
  if (next == State::lost) ++tally.lost;
}

void LockSession::enter(State state) {
  count(state);
  state_ = state;
  if (state == State::lost) keeper_->end();
  changed_.notify();
}

}  // namespace jeton::agent
