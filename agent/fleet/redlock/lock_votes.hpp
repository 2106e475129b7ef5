// The votes of a quorum's servers about a lock: the steps of a lock on one server, and the count of the votes.
// tests/model/redlock.pml is a model of both.
// The steps run one after another (RedisServer::in_turn). A single server does not need some of them: to learn a fence
// that was drawn on others, and to take again a lock that this server lost. All are coroutines that own their data, so
// that they may go on when the caller no longer waits. Failures are TransportErrors. One thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent::redlock {

Task<RedisServer::Grant> acquire(Server server, Subject subject, std::shared_ptr<const AcquireAttempt> attempt,
                                 BootTime deadline);
// Raises the fence counter to at least `fence`, of an application's lock to the last of its spare ones. True: the
// counter was not above that, and this owner holds the lock here.
Task<bool> raise_fence(Server server, Subject subject, std::string owner, std::uint64_t fence, BootTime deadline);
Task<bool> renew(Server server, Subject subject, std::string owner, Milliseconds ttl, BootTime deadline);
// LockStore::pass() on one server.
Task<bool> pass(Server server, Subject subject, FormerOwners former, Lease lease, LockNote note, BootTime deadline);
// Takes the lock again, with its fence, if it is free on this server, which lost it while a majority still has it.
Task<bool> reacquire(Server server, Subject subject, std::string owner, std::uint64_t fence, Milliseconds ttl,
                     BootTime deadline);
// If the server cannot be reached, the lock is deleted there as soon as it can, also that of a former owner.
Task<bool> release(Server server, Subject subject, std::string owner, Duration ttl, BootTime deadline,
                   FormerOwners former = {});

// The result of one attempt to take the lock.
struct VoteCount {
  enum class Outcome {
    open,     // the servers that have not answered may decide
    won,      // by a majority
    refused,  // one other owner has a majority, or a majority answered and one of them reports a pause
    split,    // no owner is known to have a majority: try again after a short, random time
  };
  Outcome outcome = Outcome::open;
  // refused: as one server would say it; won: only the fence, above every fence drawn and every generation read.
  LockOperations::Acquired answer;
};

// By server; none: no answer (yet).
using Votes = std::vector<std::optional<RedisServer::Grant>>;

// A pure function over the votes so far.
[[nodiscard]] VoteCount count_votes(const Votes& votes, std::size_t pending);

}  // namespace jeton::agent::redlock
