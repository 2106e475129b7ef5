// A lock over a quorum, of a token or of applications: Redlock, with fences that rise. A lock that an attempt left
// behind is released.
//
// Acquire. All servers are asked at once; the owner that has a majority within the lease's validity holds the lock. Two
// owners cannot, because two majorities have a server in common, and that server grants its lock to one at a time.
// Otherwise every lock that was granted, or may have been, is released, in the background.
//
// Contention. One host makes one attempt for a lock at a time (lock_attempts.hpp). Hosts that divide the servers
// between them, so that none has a majority, try again after a random pause: once more in any case, and then for as
// long as the timeout and the caller's deadline allow, each time with a range of pauses twice as long. So one of them
// nearly always wins, also if none of the callers waits. That is not certain: where many hosts try at once and the
// timeout has room for a few attempts only, a round may end without a winner (5 in 100 with 10 hosts, up to 40 ms each
// way and a timeout of 250 ms). Then every caller hears that the lock is busy, until a moment soon.
//
// Time. With a majority in reach a call takes the bound of redlock_quorum.hpp for each of its questions: to acquire two
// for each attempt, else one.
//
// The fence. Each server draws one, above its own counter and its own record; the highest of them is the lease's. The
// counters of several servers diverge (Kleppmann 2016), so it is written back before it is used: every server gets it,
// and a majority must say "the lock here is yours, and nothing higher was drawn here". Of two acquisitions, some server
// said so to both, first to one, then to the other; the second drew there above what the first had written there, and
// its fence is no lower than that draw, or the server would have said no. So fences rise in the order of acquisition,
// however the clocks and counters of the servers differ, as long as that server keeps its counter. All servers are
// given it, so in the usual case any minority may lose its data. tests/model/redlock.pml checks this argument.
//
// Renew. A majority must extend the lock while the lease is valid; otherwise it is lost. An expired lock is not created
// again: on a server that lost it (restarted empty) it is restored only when a majority has just confirmed the lease,
// and only for the rest of its validity. No other owner can have a majority then, so this takes the lock from no
// owner. So the winner of a divided attempt has the bare majority until its first renewal: if one of these servers
// loses its data before, the lock is lost.
//
// Pass (of an application's lock). As a renewal: a majority must give the lock of a former owner to the new one while
// the lease is valid. Until then some servers may have the one and some the other, so no third owner has a majority.
// The fence of the new owner is one of the spare ones: what is written back is the last of these. A server of the
// minority that did not hear of it has the lock under a former owner until it is released, or its TTL ends
// there.
//
// All are coroutines that keep what they need. One thread: the loop's.
#pragma once

#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent::redlock {

// Each attempt has an owner id of its own, unless the caller chose it.
Task<AcquireResult> try_acquire(Quorum quorum, Subject subject, AcquireRequest request);
// `lease` lives until the Task is done.
Task<bool> renew(Quorum quorum, Subject subject, Lease& lease);
// LockStore::pass(). The same.
Task<bool> pass(Quorum quorum, Subject subject, FormerOwners former, Lease& lease, LockNote note);
// Returns when a majority has answered; the servers that did not answer are released in the background.
Task<> release(Quorum quorum, Subject subject, Lease lease);

}  // namespace jeton::agent::redlock
