/* The register of redlock.pml: the record, which a majority takes and a majority is read for. */

#define TAKE(s, lease) \
  :: d_step { sent[lease] && (TAKES(s, lease) || servers[s].generation == fence_of[lease]) && \
              !(stored_on[lease] & (1 << s)) -> \
       server_goes_forward = (fence_of[lease] >= servers[s].generation); \
       assert(server_goes_forward); \
       servers[s].generation = fence_of[lease]; \
       stored_on[lease] = stored_on[lease] | (1 << s); \
       published = (BITS(stored_on[lease]) >= MAJORITY && fence_of[lease] > published -> fence_of[lease] : published) \
     }
#ifdef STORED_BLIND
#define TAKES(s, lease) true
#else
#define TAKES(s, lease) (fence_of[lease] > servers[s].generation)
#endif
#define EACH_RECORD(s) TAKE(s, 1) TAKE(s, 2)
#ifdef RIGHT
#define MAY_LOSE true
#else
#define MAY_LOSE trying == 0 && KNOWN(0) && KNOWN(1) && KNOWN(2)
#endif
#define KNOWN(s) (servers[s].fence >= confirmed && servers[s].generation >= published)

byte visited, newest, least; /* of the reader: the servers it has read, what it found, what it must find */
inline forget_read() {
  visited = 0;
  newest = 0;
  least = 0
}

proctype World() {
end:
  do
  EACH_SERVER(EACH_RECORD)
#ifdef LOSS
  :: d_step { !lost && MAY_LOSE -> /* server 0 stands for any */
       lost = true;
       servers[0].owner = 0;
       servers[0].fence = 0;
       servers[0].generation = 0;
       stored_on[1] = stored_on[1] & 6;
       stored_on[2] = stored_on[2] & 6;
       forget_read() /* a read that the loss divides promises nothing; the next one does */
     }
#endif
  od
}

#ifdef FIRST_READ_WINS
#define NEWER(s) (newest == 0)
#else
#define NEWER(s) (servers[s].generation > newest)
#endif
#define LOAD(s) \
  :: d_step { !(visited & (1 << s)) && BITS(visited) < READ_MAJORITY -> \
       least = (visited == 0 -> published : least); \
       visited = visited | (1 << s); \
       newest = (NEWER(s) -> servers[s].generation : newest) \
     }
#ifndef RIGHT
proctype Reader() {
end:
  do
  EACH_SERVER(LOAD)
  :: d_step { BITS(visited) >= READ_MAJORITY ->
       read_is_not_older = (newest >= least);
       assert(read_is_not_older);
       forget_read()
     }
  od
}
#endif
