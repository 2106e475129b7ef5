// LockQueue: the clients of this host that wait for locks. One queue a name, first come, first served: only the first
// waiter of a queue asks the store. So a lock with many waiters costs the store one waiter's questions a host, and no
// client of the host overtakes another. Between hosts the first that asks after a release gets the lock.
//
// A waiter is woken when the lock is released. Some ends are not announced (the holder died, or is a client of another
// kind): these are found when the holder's lease ends, and by a periodic look. A holder can listen, too: a release that
// is not its own has taken the lock from it.
//
// Passing on (lock cohorting; Dice, Marathe and Shavit 2012). A client that releases its lock passes it on to the
// first waiter of its host, in memory: the waiter has it in the same instant, under an owner id of its own and the next
// of the spare fences. The keeper of the new holder (lock_keeper.hpp) then reports that to the store, before it renews
// the lock. Why no two hold it, and nothing is left behind:
// - Until the store has confirmed the new owner, the new lease ends when the former one would have. The store keeps the
//   lock for a former owner until then at least, so it gives it to no other host, also if this agent is killed.
// - The store has the lock under the present owner or a former one: a report or an answer may be on its way, or lost.
//   So report, renewal and release are for all of these. No other client ever has their ids: a report that comes late,
//   or twice, finds the lock of this host or changes nothing.
// - The store reserves the spare fences when it grants the lock, so the next acquisition on any host draws above them.
//   If it loses the lock, its next owner may have a higher fence than a client to which the lock is passed on after
//   that. But that client had asked before: a waiter takes a passed lock only if the store had it for this host at some
//   time since the waiter arrived. And a lock is not passed on once the host knows that the store has it for another
//   owner, at this host or elsewhere: from an answer to any of its clients, or because a release was heard into which
//   the first waiter has not looked yet. An expiry, or a DEL by hand, is not announced: the first report finds it.
// - The former client released its lock and knows nothing of its successor. A client that may go on with its lock at
//   the next agent by its owner id (when_agent_stops: keep) neither passes its lock on nor is passed one.
// - A lock that this host may have released in the store is not passed on: a release by owner id or by an
//   administrator forbids it before the store is asked.
// - The TTL of the new holder is about as long as the former one's. So after a crash the lock lasts no longer
//   than its holder asked for, and no lock is passed on that ends in a moment.
// Other hosts must have their turn, and this host does not know whether any waits. So after most_passes, or
// longest_tenure after it was taken from the store, the lock is released there, and the waiters of this host give the
// others a head start of about three round trips, or a host that wins more often than others would keep the lock.
//
// tests/model/lock_pass.pml is a model of this argument. One thread: the loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
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

// The time for which a host has a lock, from the store's grant to the release there. It goes with the lock from holder
// to holder. By default the lock cannot be passed on.
struct Tenure {
  BootTime taken_at{};           // from the store: before it was asked
  Duration grant_took{};         // from then to its answer
  std::uint64_t last_fence = 0;  // of the spare ones
  std::size_t passes = 0;
  FormerOwners former{};  // that passed it on
  bool confirmed = true;  // the store has confirmed the holder; until then it may have a former owner
  LockNote note{};        // for the report to the store
};

// The result of a wait. A lease comes with its tenure.
struct TakenLock : LockTry {
  Tenure tenure{};
};

// One client that waits, shared with the owner of the request, which may cancel it.
struct Waiter {
  // `takes_passed`: a lock may be passed on to it.
  Waiter(Timers& timers, bool takes_passed_on) : wake(timers), takes_passed(takes_passed_on) {}
  void cancel() {
    cancelled = true;
    wake.notify();
  }

  Event wake;
  bool takes_passed;
  bool cancelled = false;
  std::optional<TakenLock> passed{};  // to it, until its coroutine goes on
};

class LockQueue {
 public:
  // Calls back until it is destroyed.
  class Watch;
  using OnBusy = std::function<void(const LockTry&)>;

  static constexpr std::size_t most_passes = 6;
  static_assert(most_passes <= spare_fences);
  static constexpr Duration longest_tenure = std::chrono::milliseconds(100);

  // All outlive it.
  LockQueue(Timers& timers, Random& random, LockStore& store);
  LockQueue(const LockQueue&) = delete;
  LockQueue& operator=(const LockQueue&) = delete;
  ~LockQueue();

  // Waits until acquire.give_up_at; if that is past, it tries once. An empty acquire.owner means a new owner id for
  // each try. `retry`: between two looks; if it is longer than the time that is left to wait, the lock is busy at once.
  // `on_busy` is called after each try that found the lock held.
  //
  // The result has no lease if the lock was not won in time or the waiter was cancelled; but it may have one although
  // the waiter was cancelled meanwhile. Throws TransportError if the last try could not reach the store.
  Task<TakenLock> take(LockId id, AcquireRequest acquire, std::optional<Duration> retry, std::shared_ptr<Waiter> waiter,
                       OnBusy on_busy);

  // The holder releases the lock, and the store can be reached. True: the first waiter has it from now on; the former
  // owner must not ask the store for anything any more. False: it must be released.
  [[nodiscard]] bool pass(const LockId& id, const Lease& lease, const Tenure& tenure);

  // `woken` is called at each release from now on, and when a release may have been missed.
  [[nodiscard]] std::shared_ptr<Watch> watch(LockId id, std::function<void()> woken);

  [[nodiscard]] std::size_t waiting(const std::string& name) const;

 private:
  class Place;
  struct Found {  // the holder in an answer of the store, this host included
    std::string holder{};
    BootTime asked_at{};
  };
  struct Queue {  // of one lock
    std::list<Place*> waiters;
    std::list<const std::function<void()>*> watchers;
    std::uint64_t releases = 0;  // heard, or possibly missed
    bool listening = false;
    BootTime others_first_until{};     // the host has had its tenure
    Found found{};                     // of the answers to all clients the newest that names a holder
    std::exception_ptr unreachable{};  // why the last question got no answer; null: it got one
  };

  Task<TakenLock> wait_in_turn(Place& place, std::optional<Duration> retry, OnBusy on_busy);
  Task<TakenLock> try_once(const LockId& id, AcquireRequest acquire);
  Task<TakenLock> take_passed(const LockId& id, Waiter& waiter);
  Task<> check_validity(const LockId& id, const TakenLock& taken);
  static void notify_second(const Queue& queue, const Lease& of_first, const LockNote& note);
  Task<LockTry> look(const LockId& id);
  void note_holder(const LockId& id, const std::string& holder, BootTime asked_at);
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
