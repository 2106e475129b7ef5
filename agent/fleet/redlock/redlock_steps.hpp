// RedlockSteps: what a quorum asks of one of its servers beyond RedisOperations: to know a fence that was drawn on
// others, to take back a lock it forgot, and the count of fetches as a register that is read and written apart.
//
// The contract is that of redis_operations.hpp: times are the server's or durations, failures are TransportErrors, what
// is passed by reference lives until the Task is done. One thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/fleet/redis/client/keyspace.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

namespace jeton::agent {

// The fetches of one token as one server counted them. Ages, so that the clocks of several servers need not agree.
struct FetchCount {
  std::optional<Milliseconds> last_age;    // since the last fetch; none: none known
  std::optional<Milliseconds> window_age;  // since the first of the running window
  std::uint64_t calls = 0;                 // in that window
};

class RedlockSteps {
 public:
  explicit RedlockSteps(std::shared_ptr<redis::Keyspace> keyspace) : keyspace_(std::move(keyspace)) {}

  // The fence counter is now at least `fence`. True: it was not above it, and the lock here is this owner's.
  Task<bool> raise_fence(const RedisKeys& keys, const std::string& owner, std::uint64_t fence, BootTime deadline);

  // Takes the lock for its owner if it is free here. One plain command, never a script: it can not be overtaken by the
  // release that is sent after it on the same connection, as a script could that has to be sent again (NOSCRIPT).
  Task<bool> take_again(const RedisKeys& keys, const std::string& owner, Milliseconds ttl, BootTime deadline);

  // None: the lock here is not this owner's.
  Task<std::optional<FetchCount>> fetches(const RedisKeys& keys, const std::string& owner, BootTime deadline);
  struct Fetch {
    std::uint64_t calls = 0;    // this one included, in its window
    Milliseconds window_age{};  // since that began
    Milliseconds window{};      // how long it lasts
    Milliseconds keep{};        // the count
    bool limited = false;       // by a budget: the fleet is told
  };
  // A fetch happens now. If more are known here (a count was given back meanwhile), it is one more than those. False:
  // not the owner.
  Task<bool> count_fetch(const RedisKeys& keys, const std::string& owner, Fetch fetch, BootTime deadline);

 private:
  std::shared_ptr<redis::Keyspace> keyspace_;
};

}  // namespace jeton::agent
