/* Redlock: the fence that is written back to a majority, and the record as a register of a majority.
 *
 * Code: agent/fleet/redlock/redlock_lock.cpp (attempt_once, write_back_fence), lock_votes.cpp (fence_above),
 * redlock_register.cpp (publish, load, repair_laggards), agent/fleet/redis/scripts (acquire, quorum_raise_fence,
 * publish). The argument that is checked is that of redlock_lock.hpp.
 *
 * A script is one step of one server. Requests reach the servers one by one, in any order, late or never: a server
 * that is out, or slower than the deadline, is one that does not answer. A lock may end on a server at any moment, so
 * a server grants it to each who asks. The fences rise without any promise about time; that one host at a time trusts
 * its lease is a matter of time, as with one Redis (fence.pml).
 *
 * Clocks and counters of the servers differ; numbers are small, so that they often meet. With LOSS, one server
 * restarts without data, at any moment. That server has lost its counter, so the promises rest on the other servers.
 * With RIGHT, clocks that are above all fences so far keep the fences apart, and a record may be
 * lost with the server. Without, the loss comes between two attempts and when all servers know what was confirmed and
 * published: then any minority may lose its data.
 *
 * A record is known by its lease. Once it is sent, any server may take it at any time, and again: publications, their
 * repetitions and repairs are all that. A reader reads the servers of a majority one after the other.
 *
 * Abstracted: pauses, the budget, splits, abandoned locks (they end), the lock that a server gets back after a
 * renewal.
 *
 * Bad variants: NOT_WRITTEN_BACK, HIGHER_IS_FINE, OWNER_IS_ANY, MAJORITY_OF_ONE, READ_ONE, FIRST_READ_WINS,
 * STORED_BLIND; IN_TURN, one attempt at a time, is for the promise that fences rise.
 */
#define SERVERS 3
#ifdef MAJORITY_OF_ONE
#define MAJORITY 1
#else
#define MAJORITY 2
#endif
#ifdef READ_ONE
#define READ_MAJORITY 1
#else
#define READ_MAJORITY 2
#endif
#define LEASES 2 /* attempts, and so leases, in a history */

typedef Server {
  byte owner; /* the last attempt that got the lock here */
  byte fence;
  byte generation; /* of the record; 0: none */
}
Server servers[SERVERS];
byte attempts;
byte trying; /* attempts that are under way */
byte highest;               /* of the fences that were drawn */
byte fence_of[LEASES + 1];  /* of each confirmed lease; the generation of its record */
bool sent[LEASES + 1];      /* its record may arrive */
byte stored_on[LEASES + 1]; /* servers that said they have it, a bit each */
byte confirmed;             /* the highest fence of all confirmed leases */
byte published;             /* the highest generation that a majority said it has */
bool lost;

hidden byte fences_rise, one_lease_a_fence, read_is_not_older, server_goes_forward;

#define BITS(mask) (((mask)&1) + (((mask) >> 1) & 1) + (((mask) >> 2) & 1))
#define EACH_SERVER(step) step(0) step(1) step(2)

inline draw(s) {
  now_is = (servers[s].fence >= now_is -> servers[s].fence + 1 : now_is);
  now_is = (servers[s].generation >= now_is -> servers[s].generation + 1 : now_is);
  servers[s].owner = me;
  servers[s].fence = now_is;
  highest = (now_is > highest -> now_is : highest);
  voted = voted | (1 << s)
}

/* acquire.lua on one server. The vote arrives, or it comes when others have decided, and only the server knows it. */
#define VOTE(s) \
  :: atomic { phase == asking && !(voted & (1 << s)) -> \
       read_clock(now_is); \
       d_step { draw(s); fence = (now_is > fence -> now_is : fence); now_is = 0 } \
     } \
  :: atomic { phase == raising && !((voted | asked) & (1 << s)) -> \
       read_clock(now_is); \
       d_step { draw(s); now_is = 0 } \
     }

#ifdef OWNER_IS_ANY
#define IS_OWNER(s) true
#else
#define IS_OWNER(s) (servers[s].owner == me)
#endif
#ifdef HIGHER_IS_FINE
#define IS_NOT_ABOVE(s) true
#else
#define IS_NOT_ABOVE(s) (servers[s].fence <= fence)
#endif
/* quorum_raise_fence.lua on one server; its answer arrives. */
#define RAISE(s) \
  :: d_step { phase == raising && !(asked & (1 << s)) -> \
       asked = asked | (1 << s); \
       written = written | (IS_OWNER(s) && IS_NOT_ABOVE(s) -> 1 << s : 0); \
       servers[s].fence = (servers[s].fence > fence -> servers[s].fence : fence) \
     }

inline read_clock(into) {
#ifdef RIGHT
  into = highest + 1
#else
  if
  :: into = 0
  :: into = 2
  fi
#endif
}

inline forget_attempt() {
  trying--;
  phase = idle;
  me = 0;
  fence = 0;
  voted = 0;
  asked = 0;
  written = 0;
  before = 0
}

#ifdef IN_TURN
#define MAY_TRY (trying == 0)
#else
#define MAY_TRY true
#endif
mtype = { idle, asking, raising };

proctype Host(byte first) {
  byte me, fence, voted, asked, written, before, now_is, i;
  mtype phase = idle;
end:
  do
  :: d_step { phase == idle && attempts < LEASES && (attempts > 0 || first) && MAY_TRY ->
       attempts++;
       me = attempts;
       trying++;
       before = confirmed;
       phase = asking
     }
  EACH_SERVER(VOTE)
  :: d_step { phase == asking && BITS(voted) >= MAJORITY ->
#ifdef NOT_WRITTEN_BACK
       written = 7;
#endif
       phase = raising
     }
  EACH_SERVER(RAISE)
  :: d_step { phase == raising && BITS(written) >= MAJORITY -> /* the lease is confirmed */
       fences_rise = (fence > before);
       one_lease_a_fence = true;
       i = 1;
       do
       :: i <= LEASES -> one_lease_a_fence = one_lease_a_fence && fence_of[i] != fence; i++
       :: else -> break
       od;
       i = 0;
       assert(fences_rise);
       assert(one_lease_a_fence);
       fence_of[me] = fence;
       confirmed = (fence > confirmed -> fence : confirmed);
       sent[me] = true;
       forget_attempt()
     }
  :: d_step { phase != idle -> forget_attempt() } /* too few answers, or the agent was killed */
  od
}

#include "redlock_register.pml"

/* Counters of the servers before; a loss makes them differ by itself. */
#ifdef LOSS
#define COUNTER(s) servers[s].fence = 1;
#else
#define COUNTER(s) \
  if \
  :: servers[s].fence = 1 \
  :: true \
  fi;
#endif

init {
  atomic { EACH_SERVER(COUNTER) highest = 1; run Host(1); run Host(0); run World();
#ifndef RIGHT
    run Reader();
#endif
  }
}
