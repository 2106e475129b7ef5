// LockOperations: the steps about an application's lock on one Redis deployment that an updater lock does not have. It
// is renewed and released like one, by RedisOperations.
//
// The contract is that of redis_operations.hpp. One thread: the loop's.
#pragma once

#include <string>

#include "agent/fleet/lock_store.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

namespace jeton::agent {

class LockOperations {
 public:
  explicit LockOperations(RedisOperations operations) : operations_(std::move(operations)) {}

  // `keys`: of_lock. The record is not set, the outcome never paused.
  Task<RedisOperations::Acquired> acquire(const RedisKeys& keys, const LockClaim& claim, BootTime deadline);
  // `message_id`: new; a quorum tells the announcements of one release by it.
  Task<bool> force_release(const RedisKeys& keys, const std::string& message_id, BootTime deadline);
  // A fence of `limit` or above is none (fence_limit of record.hpp).
  Task<LockView> show(const RedisKeys& keys, std::uint64_t limit, BootTime deadline);

 private:
  RedisOperations operations_;
};

}  // namespace jeton::agent
