#include "agent/locks/lock_queue.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/fleet/lease_terms.hpp"

namespace jeton::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration look_again_after = 3s;
constexpr Duration look_again_at_foreign = 250ms;  // a lock of other clients, whose releases are not announced
constexpr Duration look_again_at_trouble = 500ms;
// A server may keep a lease for the rest of its last millisecond.
constexpr Duration expiry_slack = 1ms;

}  // namespace

// A place in a queue, from arrival to departure.
class LockQueue::Place {
 public:
  Place(LockQueue& queues, const LockId& id, Waiter& waiter)
      : queues_(queues), alive_(queues.alive_), id_(id), queue_(queues.queues_[id.name]), waiter_(waiter) {
    queue_.waiters.push_back(&waiter);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (alive_.expired()) return;
    const bool was_first = is_first();
    queue_.waiters.remove(&waiter_);
    if (was_first && !queue_.waiters.empty()) queue_.waiters.front()->wake.notify();
    queues_.leave(id_, queue_);
  }

  [[nodiscard]] bool is_first() const { return queue_.waiters.front() == &waiter_; }
  Queue& queue() { return queue_; }
  [[nodiscard]] Waiter& waiter() { return waiter_; }
  [[nodiscard]] const LockId& id() const { return id_; }

 private:
  LockQueue& queues_;
  std::weak_ptr<bool> alive_;
  LockId id_;
  Queue& queue_;
  Waiter& waiter_;
};

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

Task<LockTry> LockQueue::take(LockId id, LockClaim claim, std::optional<Duration> retry, std::shared_ptr<Waiter> waiter,
                              OnBusy on_busy) {
  LockTry result;
  if (claim.give_up_at > now()) {
    Place place(*this, id, *waiter);
    result = co_await wait_in_turn(place, claim, retry, std::move(on_busy));
  } else if (waiting(id.name) > 0) {
    result = co_await look(id);
  } else {
    claim.give_up_at = BootTime::max();
    result = co_await try_once(id, std::move(claim));
  }
  co_return result;
}

Task<LockTry> LockQueue::wait_in_turn(Place& place, const LockClaim& claim, std::optional<Duration> retry,
                                      OnBusy on_busy) {
  const LockId& id = place.id();
  Waiter& waiter = place.waiter();
  LockTry last;
  bool in_time = true;
  bool looked = false;
  while (!waiter.cancelled) {
    if (!place.is_first()) {
      if (!in_time) co_return last;
      if (!std::exchange(looked, true)) {
        try {
          last = co_await look(id);
          on_busy(last);
        } catch (const TransportError&) {
          // The first of the queue finds out whether that lasts.
        }
        if (place.is_first() || waiter.cancelled) continue;
      }
      in_time = co_await waiter.wake.wait_until(claim.give_up_at);
      continue;
    }
    const std::uint64_t releases = place.queue().releases;
    std::exception_ptr unreachable;
    try {
      last = co_await try_once(id, claim);
    } catch (const TransportError&) {
      unreachable = std::current_exception();
    }
    if (!unreachable && last.lease) co_return last;
    const bool over = now() >= claim.give_up_at || (retry && now() + *retry > claim.give_up_at);
    if (over && unreachable) std::rethrow_exception(unreachable);
    if (over) co_return last;
    if (!unreachable) on_busy(last);
    listen(id, place.queue());
    // A lock that a failed attempt may have left is released, and that is announced, too: no reason to try again.
    if (!unreachable && place.queue().releases != releases) continue;

    const Duration pause = pause_between_looks(id, retry, unreachable != nullptr);
    BootTime again_at = std::min(now() + pause, claim.give_up_at);
    if (!unreachable) again_at = std::min(again_at, std::max(last.busy_until, now()) + expiry_slack);
    do {
      co_await waiter.wake.wait_until(again_at);
    } while (unreachable && !waiter.cancelled && now() < again_at);
  }
  co_return last;
}

Duration LockQueue::pause_between_looks(const LockId& id, std::optional<Duration> retry, bool unreachable) {
  if (retry) return *retry;
  Duration pause = id.terms.key.empty() ? look_again_after : look_again_at_foreign;
  if (unreachable) pause = look_again_at_trouble;
  // Drawn between a half and the whole, so that the hosts do not ask at the same moment.
  return pause / 2 + std::chrono::duration_cast<Duration>(pause / 2 * random_.uniform());
}

Task<LockTry> LockQueue::try_once(const LockId& id, LockClaim claim) {
  claim.owner_is_new = claim.owner.empty();
  if (claim.owner_is_new) claim.owner = new_owner_id(random_);
  LockTry result = co_await store_.try_acquire(id, std::move(claim));
  if (result.lease && now() >= result.lease->valid_until) {
    // The client could not work under it.
    const std::string owner = result.lease->owner;
    co_await store_.release(id, owner);
    throw TransportError("the answer came too late: the lock had expired by then; use a longer time to live");
  }
  co_return result;
}

// For a client that must not overtake the waiting ones.
Task<LockTry> LockQueue::look(const LockId& id) {
  const LockView view = co_await store_.show(id);
  LockTry busy;
  if (view.held) busy.holder = view.owner;  // otherwise it is for the first waiting client
  busy.note = view.note;
  busy.busy_until = now() + (view.held && view.ttl ? Duration{*view.ttl} : look_again_after);
  co_return busy;
}

// Not before the lock was found held: most are free, and cost no subscription.
void LockQueue::listen(const LockId& id, Queue& queue) {
  if (std::exchange(queue.listening, true)) return;
  store_.listen(id, [this, name = id.name] {
    const auto found = queues_.find(name);
    if (found == queues_.end()) return;
    Queue& heard = found->second;
    ++heard.releases;
    if (!heard.waiters.empty()) heard.waiters.front()->wake.notify();
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
