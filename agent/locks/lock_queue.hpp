// LockQueue: the clients of this host that wait for locks. One queue a name, first come, first served: only the first
// waiter of a queue asks the store. So a lock with many waiters costs the store one waiter's questions a host, and no
// client of the host overtakes another. Between hosts the first that asks after a release gets the lock.
//
// A waiter is woken when the lock is released. Some ends are not announced (the holder died, or is a client of another
// kind): these are found when the holder's lease ends, and by a periodic look. A holder can listen, too: a release that
// is not its own has taken the lock from it. One thread: the loop's.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

// One client that waits, shared with the owner of the request, which may cancel it.
struct Waiter {
  explicit Waiter(Timers& timers) : wake(timers) {}
  void cancel() {
    cancelled = true;
    wake.notify();
  }

  Event wake;
  bool cancelled = false;
};

class LockQueue {
 public:
  // Calls back until it is destroyed.
  class Watch;
  using OnBusy = std::function<void(const LockTry&)>;

  // All outlive it.
  LockQueue(Timers& timers, Random& random, LockStore& store);
  LockQueue(const LockQueue&) = delete;
  LockQueue& operator=(const LockQueue&) = delete;
  ~LockQueue();

  // Waits until claim.give_up_at; if that is past, it tries once. An empty claim.owner means a new owner id for each
  // try. `retry`: between two looks; if it is longer than the time that is left to wait, the lock is busy at once.
  // `on_busy` is called after each try that found the lock held.
  //
  // The result has no lease if the lock was not won in time or the waiter was cancelled; but it may have one although
  // the waiter was cancelled meanwhile. Throws TransportError if the last try could not reach the store.
  Task<LockTry> take(LockId id, LockClaim claim, std::optional<Duration> retry, std::shared_ptr<Waiter> waiter,
                     OnBusy on_busy);

  // `woken` is called at each release from now on, and when a release may have been missed.
  [[nodiscard]] std::shared_ptr<Watch> watch(LockId id, std::function<void()> woken);

  [[nodiscard]] std::size_t waiting(const std::string& name) const;

 private:
  struct Queue {  // of one lock
    std::list<Waiter*> waiters;
    std::list<const std::function<void()>*> watchers;
    std::uint64_t releases = 0;  // heard, or possibly missed
    bool listening = false;
  };
  class Place;

  Task<LockTry> wait_in_turn(Place& place, const LockClaim& claim, std::optional<Duration> retry, OnBusy on_busy);
  Task<LockTry> try_once(const LockId& id, LockClaim claim);
  Task<LockTry> look(const LockId& id);
  [[nodiscard]] Duration pause_between_looks(const LockId& id, std::optional<Duration> retry, bool unreachable);
  void listen(const LockId& id, Queue& queue);
  void leave(const LockId& id, Queue& queue);
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  LockStore& store_;
  std::map<std::string, Queue> queues_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a waiter's coroutine may be destroyed after this
};

}  // namespace jeton::agent
