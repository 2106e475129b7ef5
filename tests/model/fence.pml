/* Lock, fence and publication with one Redis: hosts that crash or pause, a failover that loses writes, a server that
 * loses all, and the repair from a segment.
 *
 * Code: agent/fleet/redis/scripts (acquire, admit, renew, release, publish), agent/fleet/lease_terms.hpp (validity),
 * agent/refresh/current_token.hpp (next_generation, own_generation, accept), agent/refresh/locked_refresh.cpp (the
 * order of the steps), agent/refresh/store_repair.cpp. The promises are those of agent/README.md, "Why the fence
 * holds".
 *
 * A script is one step. Steps of hosts, servers and clocks follow each other in every order, so a host that does
 * nothing for a while is one that is paused. What was sent may arrive late, twice, in another order or never: a
 * publication from the fetch on, a message from the moment the record is stored; a repair is a publication without a
 * lease of a record that was stored before.
 *
 * Time is counted in ticks: the remaining time of a lock and of a lease goes down. The drift of a host's clock is one
 * tick of a TTL at most. With losses two hosts may trust their leases at once, as systemd/README.md says. So there is no
 * time then: a lock may end at any moment, and a lease never does.
 *
 * Fences are in microseconds of another clock, the server's. It is right, which is above all numbers so far, or, with
 * BEHIND, before all of them. Two clocks do not read the same microsecond, nor do two owners draw the same number:
 * each reading and each draw has a number of its own, in their order.
 *
 * A token has the number of the lease under which it was fetched. So the later token is the higher number, whatever
 * its generation.
 *
 * Abstracted: what admit.lua counts, pauses, states of a source, the end of a token and of keys other than the lock,
 * a reboot, which empties the segments of a host.
 *
 * Configurations: LOSSES=n failovers and losses of all data, BEHIND. With both, a server may be behind and have
 * forgotten the fences that were drawn, and then only what the hosts know keeps generations in order: so the order of
 * leases is not promised, but the rest is.
 *
 * Bad variants: FENCE_NOT_ABOVE, COUNT_BY_ONE, PUBLISH_BLIND, RENEW_CREATES, RELEASE_ANY, NOT_ADMITTED, NO_DRIFT,
 * FROM_THE_ANSWER, ACCEPT_ANY, LEAST_GENERATION, REPAIR_AS_NEW.
 */
#ifndef LOSSES
#define LOSSES 0
#endif
#define LEASES 3 /* in a history; HEAR and ARRIVE name each */
#define HOSTS 2
#define TTL 2 /* ticks */
#if LOSSES > 0
#define LOCKED 0
#else
#define LOCKED TTL
#endif
#ifdef NO_DRIFT
#define VALIDITY TTL
#else
#define VALIDITY (TTL - 1)
#endif
#define UNIT 64 /* room in a moment: a reading for each lease, and numbers counted up from it */
#define MOMENT(number) ((number) / UNIT)
#define READING(moment, lease) ((moment)*UNIT + (lease)*8)

typedef Store {
  byte owner; /* the lease that has the lock; 0: none */
  byte ttl;
  short fence;
  short generation;
  byte token;
}
Store primary, replica;
byte leases;   /* granted so far */
short highest; /* of all fences and generations so far */
byte losses;
bool lost; /* something that was stored is not there any more */

short generation_of[LEASES + 1]; /* of each token; 0: not fetched. Its publication may arrive from then on */
bool stored[LEASES + 1];         /* its message may arrive */

mtype = { idle, asking, granted, held, admitted, fetched };
mtype = { none, asked, confirmed };
typedef Host {
  mtype step;
  byte token; /* the one in the segment */
  short generation;
  byte lease;
  byte left;    /* ticks for which it trusts the lease */
  byte pending; /* ticks, from before the request was sent */
  mtype renewal;
  byte found; /* the stored token that came with the lock */
  short fence;
}
Host hosts[HOSTS];

hidden byte newer_lease_wins, one_generation_a_token, one_token_a_generation, store_goes_forward, host_goes_forward,
    one_holder, holder_has_the_last_fence;

#ifdef BEHIND
#define IN_ORDER(a, b) (lost || (a) < (b))
#else
#define IN_ORDER(a, b) ((a) < (b))
#endif

/* --- Scripts --- */

/* The owner's digits in the step are a draw of its own. */
#if defined(FENCE_NOT_ABOVE)
#define ABOVE(number) (number)
#elif defined(COUNT_BY_ONE)
#define ABOVE(number) ((number) + 1)
#else
#define ABOVE(number) READING(MOMENT(number), leases)
#endif

inline acquire(h) {
  leases++;
  if
  :: now_is = READING(MOMENT(highest) + 1, leases)
#ifdef BEHIND
  :: now_is = READING(0, leases)
#endif
  fi;
  d_step {
    primary.owner = leases;
    primary.ttl = LOCKED;
    if
    :: primary.fence >= now_is -> now_is = ABOVE(primary.fence)
    :: else
    fi;
    if
    :: primary.generation >= now_is -> now_is = ABOVE(primary.generation)
    :: else
    fi;
    primary.fence = now_is;
    highest = (now_is > highest -> now_is : highest);
    hosts[h].fence = now_is;
    hosts[h].lease = leases;
    hosts[h].found = primary.token;
    now_is = 0
  }
}

inline publish(what, with) {
  if
#ifdef PUBLISH_BLIND
  :: true ->
#else
  :: with > primary.generation ->
#endif
     store_goes_forward = (with >= primary.generation);
     newer_lease_wins = IN_ORDER(primary.token, what);
     one_generation_a_token = (with == generation_of[what]);
     assert(one_generation_a_token);
     assert(store_goes_forward);
     assert(newer_lease_wins);
     primary.token = what;
     primary.generation = with;
     stored[what] = true
  :: else
  fi
}

inline unlock() { primary.owner = 0; primary.ttl = 0 }

inline release(lease_of) {
  if
#ifdef RELEASE_ANY
  :: true -> unlock()
#else
  :: primary.owner == lease_of -> unlock()
#endif
  :: else
  fi
}

#include "fence_host.pml"

/* --- The rest of the world --- */

inline copy(to, from) {
  to.owner = from.owner;
  to.fence = from.fence;
  to.generation = from.generation;
  to.token = from.token
}
inline fail_over() {
  lost = lost || primary.owner != replica.owner || primary.fence != replica.fence || primary.token != replica.token;
  copy(primary, replica)
}
inline lose_all() {
  lost = true;
  unlock();
  primary.fence = 0;
  primary.generation = 0;
  primary.token = 0
}

inline count_down(what) { what = (what > 0 -> what - 1 : 0) }

#ifdef REPAIR_AS_NEW
#define REPAIRED(t) (primary.fence + 1)
#else
#define REPAIRED(t) generation_of[t]
#endif
/* A publication, and a repair, which has no lock to give back. */
#define ARRIVE(t) \
  :: d_step { generation_of[t] != 0 && primary.token != t -> publish(t, generation_of[t]); release(t) } \
  :: d_step { stored[t] && primary.token != t -> publish(t, REPAIRED(t)) }

proctype World() {
end:
  do
#if LOSSES == 0
  :: d_step { /* a tick */
       primary.ttl + hosts[0].left + hosts[1].left + hosts[0].pending + hosts[1].pending > 0 ->
       count_down(primary.ttl);
       count_down(hosts[0].left);
       count_down(hosts[1].left);
       count_down(hosts[0].pending);
       count_down(hosts[1].pending);
       primary.owner = (primary.ttl == 0 -> 0 : primary.owner)
     }
#else
  :: d_step { /* the lock ends, here and in what a replica has of it */
       primary.owner != 0 ->
       replica.owner = (replica.owner == primary.owner -> 0 : replica.owner);
       unlock()
     }
#endif
  ARRIVE(1) ARRIVE(2) ARRIVE(3)
#if LOSSES > 0
  :: d_step { copy(replica, primary) }
  :: d_step { losses < LOSSES -> losses++; fail_over() }
  :: d_step { losses < LOSSES -> losses++; lose_all() }
#endif
  od
}

init {
  d_step {
    hosts[0].step = idle; hosts[1].step = idle;
    hosts[0].renewal = none; hosts[1].renewal = none
  }
  atomic { run Agent(0); run Agent(1); run World() }
}
