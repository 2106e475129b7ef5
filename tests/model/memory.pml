/* The memory model of C++ for segment.pml, by views.
 *
 * Nothing is overwritten: a location keeps all its stores, and all stores are numbered in the writer's order.
 * Each has a view: the stores up to this number happened before it. A release store has its own number as its view, a
 * relaxed store that of the last release fence. A load may take any store of its location that is not behind the
 * reader's floor there. It raises the floor to what it took. An acquire load also raises the floors of all locations
 * to the view of what it took; a relaxed load leaves that to the next acquire fence. These are the views of Kang et
 * al. (A promising semantics for relaxed-memory concurrency, POPL 2017), without promises.
 *
 * The model is exact for this program. Promises are for cycles of program order and reads-from; only the writer
 * stores here, so there is none. Readers do not see each other, so one reader is enough. The writer loads nothing of
 * a reader.
 * So it runs to its end first, and a reader that was earlier is one that takes earlier stores. A writer that was
 * killed is one whose later stores no load takes.
 */
#define LOCATIONS 6
#define STORES 12 /* most of one location */

typedef Location {
  byte value[STORES];
  byte number[STORES];
  byte view[STORES];
  byte stores;
}
Location memory[LOCATIONS];

/* The writer's: `stored` and `fenced` are the numbers of its last store, and of the last one before a release fence. */
inline store(at, what, releases) {
  d_step {
    stored++;
    assert(memory[at].stores < STORES);
    memory[at].value[memory[at].stores] = what;
    memory[at].number[memory[at].stores] = stored;
    memory[at].view[memory[at].stores] = (releases -> stored : fenced);
    memory[at].stores++
  }
}

inline release_fence() {
#if !defined(NO_RELEASE_FENCE) && !defined(TSAN)
  fenced = stored
#else
  skip
#endif
}

/* The reader's: `floor` of each location, and `pending`, the view behind the next acquire fence. */

/* All stores up to this number happen before what the reader does from now on. */
inline raise_floors(up_to) {
  do
  :: at < LOCATIONS ->
     do
     :: floor[at] + 1 < memory[at].stores && memory[at].number[floor[at] + 1] <= up_to -> floor[at]++
     :: else -> break
     od;
     at++
  :: else -> break
  od;
  at = 0
}

inline load(from, what, acquires) {
  atomic {
    i = floor[from];
    do
    :: i + 1 < memory[from].stores -> i++
    :: break
    od;
    d_step {
      what = memory[from].value[i];
      floor[from] = i;
      if
      :: acquires -> raise_floors(memory[from].view[i])
      :: !acquires && memory[from].view[i] > pending -> pending = memory[from].view[i]
      :: else
      fi;
      i = 0
    }
  }
}

inline acquire_fence() {
#if !defined(NO_ACQUIRE_FENCE) && !defined(TSAN)
  d_step { raise_floors(pending); pending = 0 }
#else
  skip
#endif
}
