/* The hosts of fence.pml: what an agent knows and does. Its steps are those of agent/refresh/locked_refresh.cpp. */

inline accept(h, what) {
#ifdef ACCEPT_ANY
  if
  :: what != 0 && what != hosts[h].token ->
#else
  if
  :: what != 0 && generation_of[what] > hosts[h].generation ->
#endif
     host_goes_forward = (generation_of[what] >= hosts[h].generation);
     newer_lease_wins = IN_ORDER(hosts[h].token, what);
     assert(host_goes_forward);
     assert(newer_lease_wins);
     hosts[h].token = what;
     hosts[h].generation = generation_of[what]
  :: else
  fi
}

/* From the publication on, which may give the lock back, a host does nothing under its lease. */
#define TRUSTS(h) (hosts[h].left > 0 && hosts[h].step != fetched)
/* Promised as long as no lock was lost. */
inline trust_lease(h) {
#ifdef FROM_THE_ANSWER
  hosts[h].left = VALIDITY;
#else
  hosts[h].left = hosts[h].pending;
#endif
  hosts[h].pending = 0;
  one_holder = (lost || !TRUSTS(h) || !TRUSTS(1 - h));
  holder_has_the_last_fence = (lost || !TRUSTS(h) || hosts[h].lease == leases);
  assert(one_holder);
  assert(holder_has_the_last_fence)
}

inline ask(h) {
#if LOSSES == 0
  if
  :: hosts[h].pending = VALIDITY
  :: hosts[h].pending = VALIDITY + 1 /* its clock is slow */
  fi
#else
  skip
#endif
}

inline forget_lease(h) {
  hosts[h].step = idle;
  hosts[h].renewal = none;
  hosts[h].left = 0;
  hosts[h].pending = 0;
  hosts[h].lease = 0;
  hosts[h].fence = 0;
  hosts[h].found = 0
}

#define ME hosts[h]
#define HAS_LEASE(h) (ME.step == held || ME.step == admitted || ME.step == fetched)

proctype Agent(byte h) {
  short now_is;
  byte t;
end:
  do
  :: atomic { ME.step == idle && leases < LEASES && (leases > 0 || h == 0) -> ask(h); ME.step = asking }
  :: atomic { ME.step == asking && primary.owner == 0 && leases < LEASES -> acquire(h); ME.step = granted }
  :: d_step { /* the reply arrives; the generation is chosen now */
       ME.step == granted ->
       trust_lease(h);
       accept(h, ME.found);
       ME.found = 0;
       if
       :: ME.fence > ME.generation
       :: else -> /* own_generation */
#ifdef LEAST_GENERATION
          ME.fence = ME.generation + 1;
#else
          ME.fence = READING(MOMENT(ME.generation) + 1, ME.lease);
#endif
          highest = (ME.fence > highest -> ME.fence : highest)
       fi;
       ME.step = held
     }
#ifdef NOT_ADMITTED
  :: d_step { ME.step == held -> ME.step = admitted }
#else
  :: d_step { ME.step == held && primary.owner == ME.lease -> ME.step = admitted } /* admit.lua */
#endif
  :: d_step { /* the source has given a token */
       ME.step == admitted ->
       one_token_a_generation = true;
       t = 1;
       do
       :: t <= LEASES ->
          one_token_a_generation = one_token_a_generation && generation_of[t] != ME.fence;
          t++
       :: else -> break
       od;
       t = 0;
       assert(one_token_a_generation);
       generation_of[ME.lease] = ME.fence;
       ME.step = fetched
     }
  :: d_step { /* published or not: it is this host's token, and the lock is given back */
       ME.step == fetched ->
       accept(h, ME.lease);
       release(ME.lease);
       forget_lease(h)
     }
#if LOSSES == 0
  :: atomic { HAS_LEASE(h) && ME.renewal == none -> ask(h); ME.renewal = asked }
  :: d_step { /* renew.lua */
       ME.renewal == asked ->
       if
#ifdef RENEW_CREATES
       :: primary.owner == ME.lease || primary.owner == 0 ->
#else
       :: primary.owner == ME.lease ->
#endif
          primary.owner = ME.lease;
          primary.ttl = TTL;
          ME.renewal = confirmed
       :: else -> /* lost */
          ME.left = 0;
          ME.pending = 0;
          ME.renewal = none
       fi
     }
  :: d_step { ME.renewal == confirmed -> trust_lease(h); ME.renewal = none }
#endif
  :: d_step { ME.step != idle -> forget_lease(h) } /* the agent is killed; the segment stays */
#define HEAR(what) :: d_step { stored[what] && ME.token != what -> accept(h, what) }
  HEAR(1) HEAR(2) HEAR(3)
  od
}
