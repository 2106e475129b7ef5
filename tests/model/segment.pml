/* The two-slot segment under the memory model of C++: a writer, a reader, and each order that the model allows.
 *
 * Code: agent/segment/slot_writer.cpp (publish, set_state, retire, wipe_idle_slot), libclient/src/slot_reader.hpp
 * (read_slot), libclient/src/wait.cpp (the wake word), and libclient/layout/racing_copy.hpp, whose names W1 to W4 and
 * R1 to R4 stand here too.
 *
 * Memory: memory.pml, with the argument why it is exact here.
 *
 * Abstracted: a slot is two words, each with the publication for which it was filled, so that a torn copy is one
 * whose words differ; the checksum, without which the promises must hold; sizes; the bound on attempts. The states
 * are one flag, `expired`. The kernel orders the agent that follows a killed one: the file lock passes through it.
 *
 * Bad variants: CONTROL_RELAXED, NO_RELEASE_FENCE, NO_ACQUIRE_FENCE, LOAD_RELAXED, WIPED_FIRST, ONE_SLOT,
 * NO_SECOND_LOOK, RETIRED_IGNORED, WOKEN_FIRST. TSAN is good: as ThreadSanitizer sees the code, without fences, each
 * word with acquire and release.
 */
#define PUBLICATIONS 3
#define STATES 1 /* changes of state, and kills, in a history */
#define KILLS 1

#define CONTROL 0
#define WAKE 1
#define WORD(slot, i) (2 + 2 * (slot) + (i))
#include "memory.pml"

/* control: the publication and two flags. */
#define PUBLICATION(control) ((control) >> 2)
#define RETIRED(control) ((control)&1)
#define EXPIRED 2

#ifdef ONE_SLOT
#define SLOT(n) 0
#else
#define SLOT(n) ((n)&1)
#endif

#ifdef CONTROL_RELAXED
#define RELEASES_CONTROL false
#else
#define RELEASES_CONTROL true
#endif
#ifdef LOAD_RELAXED
#define ACQUIRES_CONTROL false
#else
#define ACQUIRES_CONTROL true
#endif
#ifdef TSAN
#define ORDERS_WORDS true
#else
#define ORDERS_WORDS false
#endif

byte told[STORES]; /* the publication that is current at each value of the wake word */

/* The promises; the name of one that is broken is in the report. */
hidden byte copy_is_whole, copy_is_not_older;

/* Before each store the writer may be killed. */
inline step(at, what, releases) {
  if
  :: kills < KILLS -> kills++; goto adopt
  :: true
  fi;
  store(at, what, releases)
}

inline wake_waiters() {
  told[woken + 1] = n;
  step(WAKE, woken + 1, true);
  woken++
}

inline wipe(slot) {
  step(WORD(slot, 0), 0, ORDERS_WORDS);
  step(WORD(slot, 1), 0, ORDERS_WORDS)
}

proctype Writer() {
  byte n, control, woken, states, kills, stored, fenced;
again:
  do
  :: n < PUBLICATIONS -> /* publish */
     n++;
     step(WORD(SLOT(n), 0), n, ORDERS_WORDS); /* W1 */
     step(WORD(SLOT(n), 1), n, ORDERS_WORDS);
#ifdef WIPED_FIRST
     wipe(SLOT(n - 1));
#endif
#ifdef WOKEN_FIRST
     wake_waiters();
#endif
     step(CONTROL, n << 2, RELEASES_CONTROL); /* W2 */
     control = n << 2;
     release_fence(); /* W3 */
#ifndef WOKEN_FIRST
     wake_waiters();
#endif
#if !defined(WIPED_FIRST) && !defined(ONE_SLOT)
     wipe(SLOT(n - 1)) /* W4 */
#endif
  :: n > 0 && states < STATES -> /* set_state */
     states++;
     step(CONTROL, control ^ EXPIRED, RELEASES_CONTROL);
     control = control ^ EXPIRED;
     wake_waiters()
  :: n == PUBLICATIONS -> /* retire */
     step(CONTROL, control | 1, RELEASES_CONTROL);
     control = control | 1;
     release_fence();
     wake_waiters();
     wipe(0);
     wipe(1);
     break
  od;
  goto done;
adopt: /* The agent that follows a killed one. A retired segment is replaced instead. */
  if
  :: RETIRED(control) -> goto done
  :: else
  fi;
  n = PUBLICATION(control);
  fenced = stored;
  wipe(SLOT(n + 1));
  wake_waiters();
  goto again;
done:
  skip;
  d_step { n = 0; control = 0; woken = 0; states = 0; kills = 0; stored = 0; fenced = 0 }
  run Reader()
}

proctype Reader() {
  byte floor[LOCATIONS]; /* the earliest store that a load may take */
  byte pending;          /* the view behind the next acquire fence */
  byte control, look, header, content, heard, i, at;
  byte least; /* what the last copy had, or what woke the waiter */
  do
  :: load(WAKE, heard, true); /* a waiter looks at the word first */
     d_step { least = (told[heard] > least -> told[heard] : least); heard = 0 }
  :: load(CONTROL, control, ACQUIRES_CONTROL); /* R1 */
     if
     :: RETIRED(control) || PUBLICATION(control) == 0
     :: else ->
        load(WORD(SLOT(PUBLICATION(control)), 0), header, ORDERS_WORDS); /* R2 */
        load(WORD(SLOT(PUBLICATION(control)), 1), content, ORDERS_WORDS);
        acquire_fence(); /* R3 */
#ifdef NO_SECOND_LOOK
        look = control;
#else
        load(CONTROL, look, false); /* R4 */
#endif
        if
#ifdef RETIRED_IGNORED
        :: PUBLICATION(look) == PUBLICATION(control) ->
#else
        :: PUBLICATION(look) == PUBLICATION(control) && !RETIRED(look) ->
#endif
           d_step {
             copy_is_whole = (header == PUBLICATION(control) && content == header);
             copy_is_not_older = (PUBLICATION(control) >= least);
             assert(copy_is_whole);
             assert(copy_is_not_older);
             least = PUBLICATION(control)
           }
        :: else
        fi
     fi;
     d_step { control = 0; look = 0; header = 0; content = 0 }
  od
}

init {
  byte at;
  d_step {
    do
    :: at < LOCATIONS -> memory[at].stores = 1; at++ /* zeros, which are there before all */
    :: else -> break
    od
  }
  run Writer()
}
