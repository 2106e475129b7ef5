// The steps of a quorum on one of its servers: those about a lock, each in its turn (RedisServer::in_turn), among them
// those that a single server does not need: to know a fence that was drawn on others, to take back a lock it forgot,
// and the count of fetches as a register that is read and written apart.
//
// All are coroutines that keep what they need, so that they may go on when the caller no longer waits. Failures are
// TransportErrors. One thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/fleet/redis/redis_server.hpp"

namespace jeton::agent::redlock {

using Server = std::shared_ptr<RedisServer>;

Task<RedisServer::Grant> acquire(Server server, Subject subject, std::shared_ptr<const AcquireAttempt> attempt,
                                 BootTime deadline);
// The fence counter is now at least `fence`. True: it was not above it, and the lock here is this owner's.
Task<bool> raise_fence(Server server, Subject subject, std::string owner, std::uint64_t fence, BootTime deadline);
Task<bool> renew(Server server, Subject subject, std::string owner, Milliseconds ttl, BootTime deadline);
// Takes the lock, which this server lost while a majority still has it, and its fence, if it is free here.
Task<bool> reacquire(Server server, Subject subject, std::string owner, std::uint64_t fence, Milliseconds ttl,
                     BootTime deadline);
// If the server cannot be asked, the lock is deleted there as soon as it can.
Task<bool> release(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline);
Task<bool> force_release(Server server, Subject subject, std::string message_id, BootTime deadline);
Task<LockView> show(Server server, Subject subject, BootTime deadline);

// The fetches of one token as one server counted them. Ages, so that the clocks of several servers need not agree.
struct FetchCount {
  std::optional<Milliseconds> last_age;    // since the last fetch; none: none known
  std::optional<Milliseconds> window_age;  // since the first of the running window
  std::uint64_t calls = 0;                 // in that window
};
// None: the lock here is not this owner's.
Task<std::optional<FetchCount>> fetches(Server server, Subject subject, std::string owner, BootTime deadline);
struct Fetch {
  std::uint64_t calls = 0;    // this one included, in its window
  Milliseconds window_age{};  // since that began
  Milliseconds window{};      // how long it lasts
  Milliseconds keep{};        // the count
  bool limited = false;       // by a budget: the fleet hears of it
};
// A fetch happens now. If more are known here (a count was given back meanwhile), it is one more than those. False:
// not the owner.
Task<bool> count_fetch(Server server, Subject subject, std::string owner, Fetch fetch, BootTime deadline);

// `owner` empty: a repair. Otherwise its lock is given back, too, at the latest when the server can be asked again.
Task<RedisServer::Stored> publish(Server server, Subject subject, std::shared_ptr<const Record> record,
                                  std::string owner, Duration ttl, BootTime deadline);

}  // namespace jeton::agent::redlock
