#include "agent/locks/lock_queue.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"
#include "agent/locks/lock_queue_place.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration look_again_after = 3s;
constexpr Duration look_again_at_foreign = 250ms;  // a lock of other clients, whose releases are not announced
constexpr Duration look_again_at_trouble = 500ms;
// A server may keep a lease for the rest of its last millisecond.
constexpr Duration expiry_slack = 1ms;
// Of other hosts that hear of a release: as long as their question and its answer take.
constexpr Duration shortest_head_start = 1ms;
constexpr Duration longest_head_start = 20ms;

}  // namespace

class LockQueue::Watch {
 public:
  Watch(LockQueue& queues, LockId id, std::function<void()> woken)
      : queues_(queues),
        alive_(queues.alive_),
        id_(std::move(id)),
        queue_(queues.queues_[id_.name]),
        woken_(std::move(woken)) {
    queue_.watchers.push_back(&woken_);
    queues_.listen(id_, queue_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (alive_.expired()) return;
    queue_.watchers.remove(&woken_);
    queues_.leave(id_, queue_);
  }

 private:
  LockQueue& queues_;
  std::weak_ptr<bool> alive_;
  LockId id_;
  Queue& queue_;
  std::function<void()> woken_;
};

LockQueue::LockQueue(Timers& timers, Random& random, LockStore& store)
    : timers_(timers), random_(random), store_(store) {}

LockQueue::~LockQueue() = default;

std::shared_ptr<LockQueue::Watch> LockQueue::watch(LockId id, std::function<void()> woken) {
  return std::make_shared<Watch>(*this, std::move(id), std::move(woken));
}

Task<TakenLock> LockQueue::take(LockId id, AcquireRequest acquire, std::optional<Duration> retry,
                                std::shared_ptr<Waiter> waiter, OnBusy on_busy) {
  TakenLock result;
  if (acquire.give_up_at > now()) {
    Place place(*this, id, acquire, *waiter);
    result = co_await wait_in_turn(place, retry, std::move(on_busy));
  } else if (waiting(id.name) > 0) {
    const LockTry found = co_await look(id);
    static_cast<LockTry&>(result) = found;
  } else {
    acquire.give_up_at = BootTime::max();
    result = co_await try_once(id, std::move(acquire));
  }
  co_return result;
}

Task<TakenLock> LockQueue::wait_in_turn(Place& place, std::optional<Duration> retry, OnBusy on_busy) {
  const LockId& id = place.id();
  const AcquireRequest& acquire = place.acquire();
  Waiter& waiter = place.waiter();
  TakenLock last;
  bool in_time = true;
  bool looked = false;
  while (!waiter.cancelled) {
    if (!place.is_first()) {
      if (!in_time && place.queue().unreachable) std::rethrow_exception(place.queue().unreachable);
      if (!in_time) co_return last;
      if (!std::exchange(looked, true)) {
        const std::uint64_t releases = place.queue().releases;
        try {
          const LockTry found = co_await look(id);
          static_cast<LockTry&>(last) = found;
          place.knows(releases);
          on_busy(last);
        } catch (const TransportError&) {
          place.queue().unreachable = std::current_exception();  // the first of the queue finds out whether that lasts
        }
        if (place.is_first() || waiter.cancelled) continue;
      }
      in_time = co_await place.rest_until(acquire.give_up_at);
      continue;
    }
    const BootTime may_ask_at = std::min(place.queue().others_first_until, acquire.give_up_at);
    if (now() < may_ask_at && !waiter.passed) {
      co_await place.rest_until(may_ask_at);
      continue;
    }
    const std::uint64_t releases = place.queue().releases;
    const bool is_passed = waiter.passed.has_value();
    std::exception_ptr unreachable;
    const std::optional<LockTry> holder = place.take_holder();
    try {
      if (is_passed) {
        last = co_await take_passed(id, waiter);
      } else if (holder) {
        static_cast<LockTry&>(last) = *holder;
      } else {
        last = co_await try_once(id, acquire);
        place.knows(releases);
      }
    } catch (const TransportError&) {
      unreachable = std::current_exception();
      place.queue().unreachable = unreachable;
    }
    if (!unreachable && last.lease) {
      if (!is_passed) notify_second(place.queue(), *last.lease, acquire.note);
      co_return last;
    }
    const bool over = now() >= acquire.give_up_at || (retry && now() + *retry > acquire.give_up_at);
    if (over && unreachable) std::rethrow_exception(unreachable);
    if (over) co_return last;
    if (!unreachable) on_busy(last);
    listen(id, place.queue());
    // A lock that a failed attempt may have left is released, and that is announced, too: no reason to try again.
    if (!unreachable && place.has_missed_release()) continue;

    const Duration pause = pause_between_looks(id, retry, unreachable != nullptr);
    BootTime again_at = std::min(now() + pause, acquire.give_up_at);
    if (!unreachable) again_at = std::min(again_at, std::max(last.busy_until, now()) + expiry_slack);
    do {
      co_await place.rest_until(again_at);
    } while (unreachable && !waiter.cancelled && !waiter.passed && now() < again_at);
  }
  if (waiter.passed) last = co_await take_passed(id, waiter);
  co_return last;
}

Task<TakenLock> LockQueue::take_passed(const LockId& id, Waiter& waiter) {
  TakenLock taken = std::move(*waiter.passed);
  waiter.passed.reset();
  co_await check_validity(id, taken);
  co_return taken;
}

bool LockQueue::pass(const LockId& id, const Lease& lease, const Tenure& tenure) {
  const auto found = queues_.find(id.name);
  if (found == queues_.end() || found->second.waiters.empty()) return false;
  Place& next = *found->second.waiters.front();
  // Under a key of other clients the owner id may be theirs, or a time; and after a reload the name may be another key.
  const bool is_only_ours = id.terms == TokenLockConfig{} && next.id() == id;
  FormerOwners owners = tenure.former;
  owners.push_back(lease.owner);
  if (!is_only_ours || !next.takes_passed() || !next.has_met(owners, tenure.taken_at)) return false;
  const BootTime present = now();
  const bool has_turns_left = tenure.passes < most_passes && present < tenure.taken_at + longest_tenure;
  if (!has_turns_left && tenure.passes > 0) {
    found->second.others_first_until =
        present + std::clamp<Duration>(3 * tenure.grant_took, shortest_head_start, longest_head_start);
  }
  if (!has_turns_left || lease.fence >= tenure.last_fence) return false;
  const AcquireRequest& acquire = next.acquire();
  const bool lasts = lease.valid_until - present >= acquire.ttl / 3;
  if (!lasts || lease.valid_until > lease_valid_until(present, acquire.ttl)) return false;

  TakenLock taken;
  taken.lease = Lease{new_owner_id(random_), lease.fence + 1, acquire.ttl, lease.valid_until};
  taken.tenure = tenure;
  ++taken.tenure.passes;
  taken.tenure.former = std::move(owners);
  taken.tenure.confirmed = false;
  taken.tenure.note = acquire.note;
  notify_second(found->second, *taken.lease, acquire.note);
  next.waiter().passed = std::move(taken);
  next.wake();
  return true;
}

void LockQueue::notify_second(const Queue& queue, const Lease& of_first, const LockNote& note) {
  if (queue.waiters.size() < 2) return;
  LockTry busy;
  busy.busy_until = of_first.valid_until;
  busy.holder = printable_owner(of_first.owner);
  busy.note = note;
  busy.note.age = Milliseconds{0};
  (*std::next(queue.waiters.begin()))->learn_holder(queue.waiters.front()->id(), std::move(busy));
}

Duration LockQueue::pause_between_looks(const LockId& id, std::optional<Duration> retry, bool unreachable) {
  if (retry) return *retry;
  Duration pause = id.terms.key.empty() ? look_again_after : look_again_at_foreign;
  if (unreachable) pause = look_again_at_trouble;
  // Drawn between a half and the whole, so that the hosts do not ask at the same moment.
  return pause / 2 + std::chrono::duration_cast<Duration>(pause / 2 * random_.uniform());
}

Task<TakenLock> LockQueue::try_once(const LockId& id, AcquireRequest acquire) {
  acquire.owner_is_new = acquire.owner.empty();
  if (acquire.owner_is_new) acquire.owner = new_owner_id(random_);
  const BootTime asked_at = now();
  LockTry answer = co_await store_.try_acquire(id, std::move(acquire));
  note_holder(id, answer.lease ? answer.lease->owner : answer.holder, asked_at);
  TakenLock result;
  static_cast<LockTry&>(result) = std::move(answer);
  if (result.lease) {
    result.tenure.taken_at = asked_at;
    result.tenure.grant_took = now() - asked_at;
    result.tenure.last_fence = result.lease->fence + spare_fences;
  }
  co_await check_validity(id, result);
  co_return result;
}

// Throws TransportError if the client could not work under it any more; it is released then.
Task<> LockQueue::check_validity(const LockId& id, const TakenLock& taken) {
  if (!taken.lease || now() < taken.lease->valid_until) co_return;
  const std::string owner = taken.lease->owner;
  co_await store_.release(id, owner, taken.tenure.former);
  throw TransportError("the answer came too late: the lock had expired by then; use a longer TTL");
}

// For a client that must not overtake the waiting ones.
Task<LockTry> LockQueue::look(const LockId& id) {
  const BootTime asked_at = now();
  const LockView view = co_await store_.show(id);
  note_holder(id, view.owner, asked_at);
  LockTry busy;
  if (view.held) busy.holder = view.owner;  // otherwise it is for the first waiting client
  busy.note = view.note;
  busy.busy_until = now() + (view.held && view.ttl ? Duration{*view.ttl} : look_again_after);
  co_return busy;
}

// An answer that names none leaves the last one: of a quorum whose servers hear of a passed lock one after the other,
// no majority has the same owner for a moment.
void LockQueue::note_holder(const LockId& id, const std::string& holder, BootTime asked_at) {
  const auto found = queues_.find(id.name);
  if (found == queues_.end()) return;
  found->second.unreachable = nullptr;
  if (holder.empty() || asked_at < found->second.found.asked_at) return;
  found->second.found = {holder, asked_at};
}

// Not before the lock was found held: most are free, and cost no subscription.
void LockQueue::listen(const LockId& id, Queue& queue) {
  if (std::exchange(queue.listening, true)) return;
  store_.listen(id, [this, name = id.name] {
    const auto found = queues_.find(name);
    if (found == queues_.end()) return;
    Queue& heard = found->second;
    ++heard.releases;
    if (!heard.waiters.empty()) heard.waiters.front()->wake();
    for (const auto* woken : heard.watchers) (*woken)();
  });
}

void LockQueue::leave(const LockId& id, Queue& queue) {
  if (!queue.waiters.empty() || !queue.watchers.empty()) return;
  if (queue.listening) store_.listen(id, nullptr);
  queues_.erase(id.name);
}

std::size_t LockQueue::waiting(const std::string& name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? 0 : found->second.waiters.size();
}

}  // namespace jeton::agent
