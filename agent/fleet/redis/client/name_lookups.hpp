// NameLookups: host names to IP addresses. The system's lookup blocks and cannot be interrupted, so each runs on a
// thread of its own: a name whose lookup hangs holds up no other name.
//
// A name has one lookup at a time, and all callers meanwhile wait for the same one; the next call after `stale_after`
// starts another. At most `max_threads` lookups are under way. A thread that hangs is left behind at the end of the
// process and touches only the state that it shares. resolve() is called on the thread of any loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

class NameLookups {
 public:
  struct Answer {
    std::vector<std::string> addresses;
    std::string error;  // why there are none
  };
  // Blocks; called on any thread, and does not throw.
  using Lookup = std::function<Answer(const std::string& host)>;

  static constexpr std::size_t max_threads = 32;

  explicit NameLookups(Lookup lookup, Duration stale_after = std::chrono::seconds(30));

  // Throws TransportError: "the name cannot be resolved: ...", "the name was not resolved in time".
  Task<std::vector<std::string>> resolve(Timers& timers, std::string host, BootTime deadline, ConnectAttempt& attempt);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace jeton::agent::redis
