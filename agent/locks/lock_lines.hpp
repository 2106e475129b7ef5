// LockLines: who of this host waits for which lock. One line a name, served in order of arrival: only the first of a
// line asks the store, so that a lock with many waiters costs one waiter's questions a host, and nobody on the host
// overtakes. Between hosts whoever asks first after a release gets the lock.
//
// A waiter is woken when the lock is released. What nobody announces (a holder that died, a client of another kind) is
// found when the holder's lease ends, and by a look now and then. Who holds a lock can listen, too: a release that is
// not its own has taken the lock from it. One thread: the loop's.
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

// One who waits, shared with whoever may call it off.
struct LockTicket {
  explicit LockTicket(Timers& timers) : wake(timers) {}
  void cancel() {
    cancelled = true;
    wake.notify();
  }

  Event wake;
  bool cancelled = false;
};

struct LockWish {
  LockId id;
  std::string owner{};  // chosen by the caller; empty: a new one for each try
  Duration ttl{};
  LockNote note{};
  BootTime give_up_at;              // past: one try
  std::optional<Duration> retry{};  // between two looks; if it is longer than what is left to wait: busy at once
};

class LockLines {
 public:
  // Calls back until it is destroyed.
  class Watch;

  // All outlive it.
  LockLines(Timers& timers, Random& random, LockStore& store);
  LockLines(const LockLines&) = delete;
  LockLines& operator=(const LockLines&) = delete;
  ~LockLines();

  // The lease is not set if the lock was not won in time, or the ticket was cancelled; but it may be set although the
  // ticket was cancelled meanwhile. `on_busy` is called after each try that found it held. Throws TransportError if the
  // last try could not reach the store.
  Task<LockTry> take(LockWish wish, std::shared_ptr<LockTicket> ticket, std::function<void(const LockTry&)> on_busy);

  // `woken` is called when somebody has released the lock, and when that may have been missed; what was before
  // is not told.
  [[nodiscard]] std::shared_ptr<Watch> watch(LockId id, std::function<void()> woken);

  [[nodiscard]] std::size_t waiting(const std::string& name) const;

 private:
  struct Line {
    std::list<LockTicket*> tickets;
    std::list<const std::function<void()>*> watchers;
    std::uint64_t heard = 0;  // releases, and times that one may have been missed
    bool listening = false;
  };
  class Place;

  Task<LockTry> try_once(const LockWish& wish, BootTime give_up_at);
  Task<LockTry> look(const LockWish& wish);
  void listen(const LockId& id, Line& line);
  void leave(const LockId& id, Line& line);
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  LockStore& store_;
  std::map<std::string, Line> lines_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a waiter's coroutine may be destroyed after this
};

}  // namespace jeton::agent
