// LockAttempts: serialises the attempts of one host to take a lock of a quorum: one attempt at a time for each lock,
// in the order of arrival. Contenders that asked at once would split the servers between them, and none would win.
//
// A contender that waits for its turn need not ask when its answer is known by then:
// - another contender of this host has won meanwhile: the lock is busy;
// - an attempt that began after its arrival found the lock busy or paused: so would its own;
// - the servers could not be asked just now.
// So a hundred contenders cost two attempts, not a hundred, and each waits for two at most. One thread: the loop's.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/base/event.hpp"
#include "agent/fleet/coordinator.hpp"

namespace jeton::agent {

class LockAttempts {
 public:
  using Attempt = std::function<Task<AcquireResult>()>;

  explicit LockAttempts(Timers& timers) : turns_(timers) {}
  LockAttempts(const LockAttempts&) = delete;
  LockAttempts& operator=(const LockAttempts&) = delete;

  // The result of `attempt`, or what another one showed. Throws what either threw. Needs this object until it ends.
  Task<AcquireResult> run(std::string key, Attempt attempt);

 private:
  struct Ended {
    std::uint64_t number = 0;
    AcquireResult result;
    std::exception_ptr unreachable;  // instead of a result
  };
  struct Lock {
    std::size_t contenders = 0;
    std::uint64_t begun = 0;    // attempts, each with its number
    std::optional<Ended> last;  // a cancelled one shows nothing
  };
  class Contender;

  Turns turns_;
  std::map<std::string, Lock> locks_;  // that are being asked about
};

}  // namespace jeton::agent
