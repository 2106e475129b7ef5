// UncertainAcquires: cancels acquisitions that may have succeeded although their answer never came. No other client has
// the owner id, so a compare-and-delete can do no harm. One thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "agent/base/event.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/lock_operations.hpp"

namespace jeton::agent {

// Its owner stops it; the work under way keeps it until then.
class UncertainAcquires : public std::enable_shared_from_this<UncertainAcquires> {
 public:
  UncertainAcquires(Timers& timers, LockOperations operations, Duration timeout);

  enum class Unanswered {
    not_awaited,      // the caller was cancelled: the same connection carries the deletion behind the acquisition
    connection_lost,  // the acquisition may still lie in a buffer: looks again until that is unlikely
    refused,  // by an error, which leaves no lock as a rule: a server that refuses the deletion too is left alone
  };
  // Deletes the lock if it is this owner's. Works in the background, for a bounded time.
  void cancel(const RedisKeys& keys, const std::string& owner, Duration ttl, Unanswered why);

  void connected() { connected_.notify(); }
  [[nodiscard]] bool idle() const { return running_ == 0; }
  // Returns when all work is done, at the deadline at the latest.
  Task<> wait_idle(BootTime deadline);
  void stop();

 private:
  struct Job {
    RedisKeys keys;
    std::string owner;
    Unanswered why;
    BootTime give_up_at;
  };
  static Task<> run(std::shared_ptr<UncertainAcquires> self, Job job);
  Task<> clean_up(const Job& job);
  Task<> wait(Duration duration);
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  LockOperations operations_;
  Duration timeout_;
  Event stop_;
  Event connected_;
  Event done_;
  int running_ = 0;
  bool stopped_ = false;
};

}  // namespace jeton::agent
