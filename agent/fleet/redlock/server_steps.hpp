// The steps of a quorum on one of its servers. Those about a lock run one after another (RedisServer::in_turn). A
// single server does not need some of them: to learn a fence that was drawn on others, to take again a lock that this
// server lost, and to keep the count of fetches as a register that is read and written separately.
//
// All are coroutines that own their data, so that they may go on when the caller no longer waits. Failures are
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
// Raises the fence counter to at least `fence`. True: the counter was not above it, and this owner holds the lock here.
Task<bool> raise_fence(Server server, Subject subject, std::string owner, std::uint64_t fence, BootTime deadline);
Task<bool> renew(Server server, Subject subject, std::string owner, Milliseconds ttl, BootTime deadline);
// Takes the lock again, with its fence, if it is free on this server, which lost it while a majority still has it.
Task<bool> reacquire(Server server, Subject subject, std::string owner, std::uint64_t fence, Milliseconds ttl,
                     BootTime deadline);
// If the server cannot be reached, the lock is deleted there as soon as it can.
Task<bool> release(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline);
Task<bool> force_release(Server server, Subject subject, std::string message_id, BootTime deadline);
Task<LockView> show(Server server, Subject subject, BootTime deadline);

// The fetches of one token as one server counted them. Ages, so that the clocks of several servers need not agree.
struct FetchCount {
  std::optional<Milliseconds> last_age;    // since the last fetch; none: none known
  std::optional<Milliseconds> window_age;  // since the first of the running window
  std::uint64_t calls = 0;                 // in that window
};
// None: this owner does not hold the lock here.
Task<std::optional<FetchCount>> fetches(Server server, Subject subject, std::string owner, BootTime deadline);
struct Fetch {
  std::uint64_t calls = 0;    // this one included, in its window
  Milliseconds window_age{};  // since that began
  Milliseconds window{};      // how long it lasts
  Milliseconds keep{};        // the count
  bool limited = false;       // by a budget: the fleet hears of it
};
// Counts a fetch that happens now. If this server knows of more fetches (a repair wrote a count meanwhile), it adds one
// to those. False: this owner does not hold the lock here.
Task<bool> count_fetch(Server server, Subject subject, std::string owner, Fetch fetch, BootTime deadline);

// `owner` empty: a repair. Otherwise its lock is released too, at the latest when the server can be reached again.
Task<RedisServer::Stored> publish(Server server, Subject subject, std::shared_ptr<const Record> record,
                                  std::string owner, Duration ttl, BootTime deadline);

}  // namespace jeton::agent::redlock
