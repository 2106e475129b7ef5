// LockCleanup: takes back locks that may have been taken although nobody heard the answer. The owner id is ours alone,
// so a compare-and-delete can do no harm. One thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

namespace jeton::agent {

class LockCleanup {
 public:
  LockCleanup(Timers& timers, RedisOperations operations, Duration timeout);
  ~LockCleanup();  // stops
  LockCleanup(const LockCleanup&) = delete;
  LockCleanup& operator=(const LockCleanup&) = delete;

  enum class Doubt {
    answer_not_awaited,  // the caller was cancelled: the same connection carries the deletion behind the acquisition
    connection_lost,     // the acquisition may still lie in a buffer: looks again until that is unlikely
  };
  // Works in the background, for a bounded time.
  void take_back(const RedisKeys& keys, const std::string& owner, Milliseconds ttl, Doubt doubt);

  [[nodiscard]] bool idle() const;
  // Returns when all work is done, at the deadline at the latest.
  Task<> wait_idle(BootTime deadline);
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
