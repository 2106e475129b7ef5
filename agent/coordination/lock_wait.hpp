// Waiting for a lock that another holds: tries, sleeps, tries again, until it is won or patience ends.
//
// A sleep ends early when `released` is notified (the holder's release was heard), and lasts no longer than the
// holder's lease; `retry` is the fallback for a message that was lost, drawn between a half and the whole of it so that
// waiters do not knock together. One thread: the loop's.
#pragma once

#include <string>

#include "agent/base/event.hpp"
#include "agent/base/random.hpp"
#include "agent/coordination/coordinator.hpp"

namespace jeton::agent {

struct LockPatience {
  Duration wait{};  // zero: one try
  Duration retry =
      std::chrono::seconds(1);  // if it is longer than what is left of `wait`, the answer is "busy" at once
};

// The lease is not set if the lock was not won in time. The time to live counts from the winning try, whatever was
// waited before. Throws TransportError if the last try could not reach the coordinator.
Task<AcquireResult> wait_for_lock(Coordinator& coordinator, Timers& timers, Random& random, Event& released,
                                  std::string name, Duration ttl, LockPatience patience);

}  // namespace jeton::agent
