// LockTally: what became of the requests for locks of this host's applications since the agent started, for /metrics.
// It knows no names of locks: clients choose them. One thread: the loop's.
#pragma once

#include <cstdint>

#include "agent/base/tally.hpp"

namespace jeton::agent {

struct LockTally {
  DurationTally waits;       // from a request to its locks; its count is that of the requests that got them
  DurationTally holds;       // from then to the release or loss; not of detached locks, which their owner gives back
  std::uint64_t busy = 0;    // requests that did not get them in time
  std::uint64_t failed = 0;  // the store could not be asked, or the agent stopped
  std::uint64_t lost = 0;    // held locks
};

}  // namespace jeton::agent
