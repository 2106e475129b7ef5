/* A lock of applications that a host passes on between its clients, and the report to the store about it.
 *
 * Code: agent/locks/lock_queue.cpp (pass), agent/locks/lock_keeper.cpp (ask_store), agent/locks/lock_session.cpp
 * (release_held), agent/fleet/redis/scripts (lock_acquire, lock_pass, release). The promises are those of the head of
 * agent/locks/lock_queue.hpp.
 *
 * A script is one step. Steps of hosts, store and clock follow each other in every order, so a host that does nothing
 * from some moment on is one that was killed; its client trusts the lease to its end. A report and a release may arrive at
 * any time after they were sent, again and again, or never; an answer may be lost. An owner is a number, and a later one
 * has a higher number; the owners of a tenure are those since the host took the lock from the store.
 *
 * An administrator may take the lock from its holder once. Then two hosts may trust it until the one has heard of it, and
 * fences need not rise over that.
 *
 * The clock of the store is far behind, so a fence is counted on from the last one. Time is counted in ticks, of all
 * clocks alike: fence.pml has clocks that drift, acquisitions that are answered late, and a store that loses its data.
 *
 * Abstracted: renewals of a lock that the store knows, a Redlock (redlock.pml; a pass is a renewal there), the bounds on
 * passes and on the TTL.
 *
 * Bad variants: REPORT_FOR_ANY, RELEASE_OWN_ONLY, LAST_FORMER_ONLY, LEASE_FROM_PASS, FROM_THE_ANSWER, NO_SPARE.
 */
#define OWNERS 4
#define HOSTS 2
#define TTL 2 /* ticks */
#ifdef NO_SPARE
#define SPARE 0
#else
#define SPARE OWNERS
#endif

/* The store. */
byte owner; /* 0: free */
byte ttl;
byte counter;

bool forced;  /* the lock was taken from its holder, which will hear of it: two trust it for a time */

byte owners;  /* so many so far */
byte highest; /* fence so far */
byte host_of[OWNERS + 1];
byte former[OWNERS + 1]; /* those of its tenure before it, a bit each */
bool report[OWNERS + 1];   /* sent; may arrive from then on */
bool release[OWNERS + 1];

mtype = { none, asked, yes, no };
typedef Host {
  byte holder; /* 0: none; its client trusts the lease for `left` ticks */
  byte left;
  byte fence;
  bool told;
  mtype answer;
  byte pending; /* ticks of the lease if the report is confirmed: from before it was sent */
}
Host hosts[HOSTS];

hidden byte one_holder, fences_rise, nothing_left, loss_is_real, other_is_untouched;

#define BIT(x) (1 << (x))
#define IS_OF_TENURE(x) (owner == (x) || (owner != 0 && (former[x] & BIT(owner)) != 0))
#ifdef LAST_FORMER_ONLY
#define FORMER(before) BIT(before)
#else
#define FORMER(before) (former[before] | BIT(before))
#endif

inline begin_owner(h) {
  owners++;
  host_of[owners] = h;
  highest = (hosts[h].fence > highest -> hosts[h].fence : highest);
  hosts[h].holder = owners;
  hosts[h].answer = none
}

inline acquire(h) {
  d_step {
    one_holder = (forced || hosts[1 - h].holder == 0);
    assert(one_holder);
    hosts[h].fence = counter + 1;
    fences_rise = (hosts[h].fence > highest);
    assert(fences_rise);
    counter = counter + 1 + SPARE;
    begin_owner(h);
    former[owners] = 0;
    owner = owners;
    ttl = TTL;
    hosts[h].left = TTL;
    hosts[h].told = true
  }
}

inline pass(h) {
  d_step {
    former[owners + 1] = FORMER(hosts[h].holder);
    hosts[h].fence++;
    fences_rise = (forced || hosts[h].fence > highest);
    assert(fences_rise);
    begin_owner(h);
#ifdef LEASE_FROM_PASS
    hosts[h].left = TTL;
#endif
    hosts[h].told = false
  }
}

inline tell(h) {
  d_step {
    report[hosts[h].holder] = true;
    hosts[h].answer = asked;
    hosts[h].pending = TTL
  }
}

inline hear(h) {
  d_step {
    if
    :: hosts[h].answer == yes ->
       hosts[h].told = true;
#ifdef FROM_THE_ANSWER
       hosts[h].left = TTL
#else
       hosts[h].left = hosts[h].pending
#endif
    :: else ->
       loss_is_real = (owner == 0 || host_of[owner] != h);
       assert(loss_is_real);
       hosts[h].left = 0
    fi;
    hosts[h].answer = none;
    if
    :: hosts[h].left == 0 -> hosts[h].holder = 0
    :: else
    fi
  }
}

inline give_back(h) {
  d_step {
    release[hosts[h].holder] = true;
    hosts[h].holder = 0;
    hosts[h].left = 0;
    hosts[h].answer = none
  }
}

inline arrive_report(x) {
  d_step {
    if
#ifdef REPORT_FOR_ANY
    :: true ->
#else
    :: IS_OF_TENURE(x) ->
#endif
       other_is_untouched = (owner != 0 && host_of[owner] == host_of[x]);
       assert(other_is_untouched);
       owner = x;
       ttl = TTL;
       if
       :: hosts[host_of[x]].holder == x && hosts[host_of[x]].answer == asked -> hosts[host_of[x]].answer = yes
       :: else
       fi
#ifndef REPORT_FOR_ANY
    :: else ->
       if
       :: hosts[host_of[x]].holder == x && hosts[host_of[x]].answer == asked -> hosts[host_of[x]].answer = no
       :: else
       fi
#endif
    fi
  }
}

inline arrive_release(x) {
  d_step {
    if
#ifdef RELEASE_OWN_ONLY
    :: owner == x ->
#else
    :: IS_OF_TENURE(x) ->
#endif
       other_is_untouched = (host_of[owner] == host_of[x]);
       assert(other_is_untouched);
       owner = 0;
       ttl = 0
    :: else
    fi;
    nothing_left = !IS_OF_TENURE(x);
    assert(nothing_left)
  }
}

inline tick_host(h) {
  if
  :: hosts[h].left > 0 -> hosts[h].left--
  :: else
  fi;
  if
  :: hosts[h].pending > 0 -> hosts[h].pending--
  :: else
  fi;
  if
  :: hosts[h].left == 0 && hosts[h].holder != 0 ->
     hosts[h].holder = 0; /* its client knows by the clock */
     hosts[h].answer = none
  :: else
  fi
}

inline tick() {
  d_step {
    if
    :: ttl > 0 -> ttl--
    :: else
    fi;
    if
    :: ttl == 0 -> owner = 0
    :: else
    fi;
    tick_host(0);
    tick_host(1)
  }
}

#define HOST(h)                                                                                      \
  :: hosts[h].holder == 0 && owner == 0 && owners < OWNERS -> acquire(h)                             \
  :: hosts[h].holder != 0 && owners < OWNERS -> pass(h)                                              \
  :: hosts[h].holder != 0 && !hosts[h].told && hosts[h].answer == none -> tell(h)                    \
  :: hosts[h].answer == yes || hosts[h].answer == no -> hear(h)                                      \
  :: hosts[h].answer != none -> hosts[h].answer = none /* lost, or it took too long */               \
  :: hosts[h].holder != 0 -> give_back(h)

#define RELEASED(x) :: release[x] -> arrive_release(x)
#define TOLD(x) :: report[x] -> arrive_report(x)

init {
  hosts[0].answer = none;
  hosts[1].answer = none;
  do
  HOST(0)
  HOST(1)
  RELEASED(1) RELEASED(2) RELEASED(3) RELEASED(4)
  TOLD(2) TOLD(3) TOLD(4) /* the first one is no successor */
  :: owner != 0 && !forced ->
     d_step {
       owner = 0;
       ttl = 0;
       forced = true
     }
  :: tick()
  od
}
