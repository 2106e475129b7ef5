// LockOperations: the steps about a lock on one Redis deployment, each a script with typed arguments and reply. The
// lock is the updater lock of a token, or an application's.
//
// The contract is that of redis_operations.hpp. One thread: the loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/secret.hpp"
#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redis/redis_scripts.hpp"

namespace jeton::agent {

class LockOperations : private ScriptSteps {
 public:
  explicit LockOperations(ScriptSteps steps) : ScriptSteps(std::move(steps)) {}
  using ScriptSteps::is_connected;

  struct Acquired {
    enum class Outcome { won, busy, paused };
    Outcome outcome = Outcome::busy;
    std::uint64_t fence = 0;                // won
    std::string owner;                      // won: as the lock has it
    std::optional<Milliseconds> remaining;  // busy, paused: how long at the latest; none: without an end
    std::string reason;                     // paused
    std::string request;                    // paused: fingerprint of the request that was refused permanently
    std::string holder;                     // busy: the owner of the lock, no more than its first 64 bytes
    LockNote note;                          // busy, of an application's lock: of the holder
    std::optional<SecretString> record;     // of a token: as stored
    std::string stored_generation;          // won, of a token: for admit()
    bool replicated = true;                 // won: by as many as expected
  };
  // An application's lock is never paused.
  Task<Acquired> acquire_updater(RedisKeys keys, const AcquireRequest& request, BootTime deadline);
  Task<Acquired> acquire_application(RedisKeys keys, const AcquireRequest& request, BootTime deadline);

  // False: not held by this owner (any more). Sets the owner.
  Task<bool> renew(RedisKeys keys, std::string& owner, std::uint64_t fence, Milliseconds ttl, BootTime deadline);
  // `former`: owners in whose place `owner` has it (LockStore::pass).
  Task<bool> release(RedisKeys keys, std::string owner, BootTime deadline, FormerOwners former = {});

  // Of an application's lock under set_nx: LockStore::pass(). `replicated`: by as many as expected; null: not asked.
  Task<bool> pass(RedisKeys keys, FormerOwners former, Lease lease, LockNote note, BootTime deadline, bool* replicated);
  // Of an application's lock. `message_id`: new; a quorum recognises the announcements of one release by it.
  Task<bool> force_release(RedisKeys keys, std::string message_id, BootTime deadline);
  // A fence of `limit` or above is none (fence_limit of record.hpp).
  Task<LockView> show(RedisKeys keys, std::uint64_t limit, BootTime deadline);
};

// The result of a try that did not win, of a server or a quorum.
[[nodiscard]] AcquireResult refusal_of(const LockOperations::Acquired& answer, BootTime now, const std::string& key);

}  // namespace jeton::agent
