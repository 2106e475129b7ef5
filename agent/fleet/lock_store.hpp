// LockStore: the locks that applications take by name, apart from the updater locks of tokens: nothing is published
// under them and no pause holds them. Backends: local (this host's memory and files), redis, redlock.
//
// Every call has a deadline of its own and either returns what the store said or throws TransportError: a store that
// cannot be reached is never read as "busy" or "lost". One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/task.hpp"
#include "agent/base/time.hpp"
#include "agent/config/model/config.hpp"
#include "agent/fleet/lease_store.hpp"
#include "agent/fleet/lock_holder.hpp"

namespace jeton::agent {

struct BackendHealth {
  std::string backend;   // "local", "redis", "redlock"
  std::string endpoint;  // "redis://127.0.0.1:6379/0", a directory; no password
  bool reachable = false;
  std::string last_error;       // empty if none since the last success
  Milliseconds clock_offset{};  // its wall clock minus this host's
};

struct LockId {
  std::string name;
  TokenLockConfig terms{};  // the key and protocol, if other clients take the same lock
  bool operator==(const LockId&) const = default;
};

// One try to take a lock.
struct AcquireRequest {
  std::string owner;
  // The id is new and belongs to this request only: after a lost answer, the lock can be released by it. An
  // id that the caller chose may hold the lock by another request by then; such a lock is left to its TTL.
  bool owner_is_new = true;
  Duration ttl{};
  LockNote note{};
  // A split vote is tried again until then, and once more in any case (redlock_lock.hpp).
  BootTime give_up_at = BootTime::max();
};

// A host that has a lock may pass it on to another of its clients before the store hears of it
// (agent/locks/lock_queue.hpp). Each holder has an owner id and a fence of its own. So many fences above that of an
// acquisition are given to no other owner: the store reserves them when it grants the lock.
inline constexpr std::uint64_t spare_fences = 64;
// The owner ids of the earlier holders, one of which the store may still have instead of the holder's.
using FormerOwners = std::vector<std::string>;

struct LockView {
  bool held = false;
  std::string owner{};                // printable
  std::optional<Milliseconds> ttl{};  // none: it never expires
  std::uint64_t fence = 0;            // 0: held by a client that draws none
  LockNote note{};
};

class LockStore {
 public:
  LockStore() = default;
  LockStore(const LockStore&) = delete;
  LockStore& operator=(const LockStore&) = delete;
  virtual ~LockStore() = default;

  // Never waits for the holder. Not even its own owner takes a lock twice.
  virtual Task<LockTry> try_acquire(LockId id, AcquireRequest request) = 0;
  // Its TTL is now lease.ttl, from now on. False: the lock is lost (expired, deleted, another's); it is not
  // created again. `lease` lives until the Task is done.
  virtual Task<bool> extend(LockId id, Lease& lease) = 0;
  // The host has passed the lock on: from now on it is lease.owner's in the store, too, with the fence and the TTL
  // of the lease, and the note. No client is notified. False: neither a former owner nor lease.owner has it, so it is
  // lost; it is not created. May be repeated after a lost answer. `lease` lives until the Task is done.
  //
  // `confirmed`: the store has said yes to that before. It is a renewal then; but a part of the store that did not hear
  // of the new owner, or has lost it, and still has a former one counts as well.
  virtual Task<bool> pass(LockId id, FormerOwners former, Lease& lease, LockNote note, bool confirmed) = 0;
  // False: neither this owner nor a former one holds it (any more). Waiters are notified.
  virtual Task<bool> release(LockId id, std::string owner, FormerOwners former) = 0;
  Task<bool> release(LockId id, std::string owner) { return release(std::move(id), std::move(owner), {}); }
  // For any owner. False: no client held it. Waiters are notified.
  virtual Task<bool> force_release(LockId id) = 0;
  virtual Task<LockView> show(LockId id) = 0;

  // `woken` is called on the loop when the lock was released, and when a release may have been missed (as soon as
  // releases can be heard, above all). Null ends it. An expiry is not notified.
  virtual void listen(const LockId& id, std::function<void()> woken) = 0;

  // Of a store that was started. Its clock offset says nothing.
  [[nodiscard]] virtual BackendHealth health() const = 0;

  // Connects; after stop() every call throws TransportError. Idempotent.
  virtual void start() = 0;
  virtual void stop() = 0;
};

}  // namespace jeton::agent
