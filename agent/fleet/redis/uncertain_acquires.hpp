// UncertainAcquires: cancels acquisitions that may have succeeded although their answer never came. No other client has
// the owner id, so a compare-and-delete can do no harm. One thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

namespace jeton::agent {

class UncertainAcquires {
 public:
  UncertainAcquires(Timers& timers, RedisOperations operations, Duration timeout);
  ~UncertainAcquires();  // stops
  UncertainAcquires(const UncertainAcquires&) = delete;
  UncertainAcquires& operator=(const UncertainAcquires&) = delete;

  enum class Unanswered {
    not_awaited,      // the caller was cancelled: the same connection carries the deletion behind the acquisition
    connection_lost,  // the acquisition may still lie in a buffer: looks again until that is unlikely
  };
  // Deletes the lock if it is this owner's. Works in the background, for a bounded time.
  void cancel(const RedisKeys& keys, const std::string& owner, Duration ttl, Unanswered why);

  [[nodiscard]] bool idle() const;
  // Returns when all work is done, at the deadline at the latest.
  Task<> wait_idle(BootTime deadline);
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
