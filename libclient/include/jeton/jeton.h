/* jeton.h: read a token that jeton-agent keeps for this host, and take the fleet's locks (see Locks below).
 *
 *   jeton_token *token;
 *   jeton_reader *reader;
 *   const jeton_view *view;
 *   if (jeton_open(NULL, "wechat", &token) != JETON_OK || jeton_reader_open(token, &reader) != JETON_OK) ...
 *   if (jeton_current(reader, &view) == JETON_OK)
 *     printf("Authorization: %s %s\n", view->type_size > 0 ? view->type : "Bearer", view->value);
 *
 * The token is stored in a file that is mapped read-only. Reading is lock-free: no system call, no network, no wait,
 * whatever the agent does. The library never logs, starts no thread, installs no signal handler, keeps no descriptor
 * open between calls (but those of a lock) and throws nothing. It blocks only in jeton_wait_* and jeton_lock_acquire,
 * and for a moment where it asks the agent: jeton_rejected, jeton_diagnose, jeton_lock_*.
 *
 * Threads: a jeton_token may be used by any number of threads at once; a jeton_reader by one at a time. A token and
 * its readers may be closed in any order, each once, when no thread uses it any more.
 * Fork: both go on working in the child, independently of the parent's. A lock stays with the parent only.
 * The file: only its owner (the agent's user) and root can change it, and the agent never makes it shorter: another
 * size is another file. If they truncate it by hand, a process that has it mapped, the agent too, gets SIGBUS at its
 * next access, as with every mapping. A check before each read would cost a system call, and only the application may
 * install a handler. jeton_open refuses such a file (JETON_TRUNCATED), and the next agent replaces it.
 * Errors: every call returns a jeton_status. Unless said otherwise, outputs are untouched when it is not JETON_OK.
 * Times: milliseconds; points in time are wall clock since 1970-01-01 UTC.
 *
 * Link with -ljeton (pkg-config jeton, or CMake: find_package(jeton), target jeton::jeton).
 */
#ifndef JETON_JETON_H
#define JETON_JETON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JETON_VERSION_MAJOR 0
#define JETON_VERSION_MINOR 1
#define JETON_VERSION_PATCH 0

#if defined(__GNUC__)
#define JETON_EXPORT __attribute__((visibility("default")))
#define JETON_MUST_CHECK __attribute__((warn_unused_result))
#else
#define JETON_EXPORT
#define JETON_MUST_CHECK
#endif

/* Values are never reused; later versions may add some. */
typedef enum jeton_status {
  JETON_OK = 0,
  JETON_NO_TOKEN = 1,            /* the agent has not received this token yet: wait */
  JETON_EXPIRED = 2,             /* the last token expired and there is no new one: wait, check the agent */
  JETON_BUSY = 3,                /* the agent published faster than it could be read, many times in a row: try again */
  JETON_TIMED_OUT = 4,           /* jeton_wait_*: not within the given time */
  JETON_BUFFER_TOO_SMALL = 5,    /* the needed size was returned */
  JETON_INVALID_ARGUMENT = 6,    /* a NULL pointer, an impossible name, a struct without its size */
  JETON_CANCELLED = 7,           /* jeton_wait: jeton_cancel_now was called */
  JETON_MISMATCH = 8,            /* jeton_accepts: neither the current token nor an acceptable previous one */
  JETON_REJECTED = 9,            /* jeton_diagnose: the provider refused the token; a newer one is on its way */
  JETON_NOT_FOUND = 10,          /* no such token in this directory; or no such attribute */
  JETON_NO_PERMISSION = 11,      /* this user is not among the token's readers (access: in the agent's config), or may not
                                    take the lock (locks:) */
  JETON_SYMLINK = 12,            /* refused: the segment or its directory is a symbolic link */
  JETON_NOT_REGULAR = 13,        /* refused: not a regular file, or the directory is not a directory */
  JETON_FOREIGN_OWNER = 14,      /* refused: file and directory do not belong to the same user */
  JETON_WRITABLE_FILE = 15,      /* refused: others than the owner may write the file */
  JETON_WRITABLE_DIRECTORY = 16, /* refused: others than the owner may write the directory */
  JETON_BAD_MAGIC = 17,          /* refused: not a segment */
  JETON_UNSUPPORTED_VERSION = 18, /* refused: written by a newer agent; update this library */
  JETON_TRUNCATED = 19,          /* refused: shorter than a segment, or not as long as its header says */
  JETON_CORRUPT = 20,            /* refused: inconsistent header, sizes, name or checksum */
  JETON_SYSTEM_ERROR = 21,       /* see errno */
  JETON_NO_AGENT = 22,           /* no agent answers on this host's socket */
  JETON_AGENT_STALE = 23,        /* jeton_diagnose: there is an agent; it does not answer, or its heartbeat is old */
  JETON_AGENT_REFUSED = 24,      /* the agent did not accept the call: unknown generation, or see jeton_lock_reason */
  JETON_LOCK_BUSY = 25,          /* another owner holds it: a result, not a failure */
  JETON_LOCK_WAITING = 26,       /* jeton_lock_check: still waiting for it */
  JETON_LOCK_LOST = 27,          /* it was held and is no longer held: stop the protected work */
  JETON_LOCK_NOT_HELD = 28,      /* never taken, released, or the lock of a parent process */
  JETON_LOCK_LIMIT = 29,         /* the agent accepts no more locks or connections from this user */
  JETON_LOCK_UNAVAILABLE = 30    /* the agent cannot take it now: it cannot reach its coordinator, or is stopping */
} jeton_status;

/* One sentence without a full stop, in English; never NULL. */
JETON_EXPORT const char *jeton_status_text(jeton_status status);

/* The name of the constant, "JETON_EXPIRED", for logs and bindings; "JETON_UNKNOWN" for a value that is none. */
JETON_EXPORT const char *jeton_status_name(jeton_status status);

/* Version of the library in use, "0.1.0". */
JETON_EXPORT const char *jeton_version(void);

/* One token of this host: its mapping. */
typedef struct jeton_token jeton_token;
/* One thread's view of a token. */
typedef struct jeton_reader jeton_reader;

/* Options of jeton_open. */
#define JETON_ALLOW_EXPIRED 1u /* read and current also return an expired token (see flags) */
#define JETON_ALLOW_MISSING 2u /* open even if there is no such token yet; reads return JETON_NOT_FOUND until then */

typedef struct jeton_options {
  size_t size;           /* sizeof(jeton_options) */
  const char *directory; /* the agent's runtime_dir; NULL: $JETON_DIR if set, else /run/jeton */
  uint32_t flags;        /* JETON_ALLOW_* */
} jeton_options;
#define JETON_OPTIONS_INIT \
  { sizeof(jeton_options), NULL, 0 }

/* A token expires at the end of its time by the wall clock or by CLOCK_BOOTTIME, whichever comes first: setting the
 * wall clock makes no token last longer. `expires_at_ms` and `previous_accept_until_ms` are that end by the wall clock
 * as it was at the call. */

/* Flags of a token. */
#define JETON_FLAG_VALID 1u
#define JETON_FLAG_EXPIRED 2u
#define JETON_FLAG_REJECTED 4u /* the provider refused it; the agent gets a new one */

/* Describes a token without its value. Set `size` before every call; members unknown to the library stay unchanged. */
typedef struct jeton_info {
  size_t size; /* sizeof(jeton_info) */
  uint64_t generation;               /* rises from token to token */
  int64_t issued_at_ms;
  int64_t expires_at_ms;
  uint64_t previous_generation;      /* 0: none */
  int64_t previous_accept_until_ms;  /* the previous token is acceptable until then */
  int64_t heartbeat_ms;              /* the agent's last heartbeat; 0: none yet */
  int64_t heartbeat_age_ms;          /* the time since then; -1: none yet */
  size_t value_size;
  uint32_t flags;                    /* JETON_FLAG_* */
  char type[68];                     /* "Bearer"; empty if the provider names none; terminated */
} jeton_info;
#define JETON_INFO_INIT \
  { sizeof(jeton_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 } }

/* A token as one consistent piece. The strings belong to the reader; each is followed by a NUL that its size does
 * not count. */
typedef struct jeton_view {
  size_t size; /* of this struct in the library in use */
  uint64_t generation;
  int64_t issued_at_ms;
  int64_t expires_at_ms;
  uint32_t flags; /* JETON_FLAG_* */
  uint32_t reserved;
  const char *value;
  size_t value_size;
  const char *type; /* "Bearer"; empty if the provider names none, and a header says Bearer then */
  size_t type_size;
  uint64_t previous_generation; /* 0: none */
  int64_t previous_accept_until_ms;
  const char *previous_value;
  size_t previous_value_size;
  const char *origin; /* the host that fetched it */
  size_t origin_size;
  const void *attributes; /* for jeton_attribute and jeton_attribute_at */
  size_t attributes_size;
} jeton_view;

/* Maps the token `name`. `options` may be NULL. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_open(const jeton_options *options, const char *name,
                                                      jeton_token **token);
/* NULL is allowed. The mapping goes with the last of the token and its readers. */
JETON_EXPORT void jeton_close(jeton_token *token);

/* Copies the value to `buffer` and its length to `*size`, followed by a NUL if there is room for it, and describes
 * it in `*info`, all of the same token. `info` may be NULL. JETON_BUFFER_TOO_SMALL: `*size` is the needed size.
 * On any other failure the content of `buffer` is undefined. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_read(jeton_token *token, void *buffer, size_t capacity, size_t *size,
                                                      jeton_info *info);

/* Describes the token. JETON_OK also if it expired: `info->flags` has it. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_inspect(jeton_token *token, jeton_info *info);

JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_reader_open(jeton_token *token, jeton_reader **reader);
/* Wipes the view. NULL is allowed. */
JETON_EXPORT void jeton_reader_close(jeton_reader *reader);

/* The current token, as a view that is valid until the next call with this reader. Costs one load and one
 * clock read while nothing changed; once a second both clocks are compared. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_current(jeton_reader *reader, const jeton_view **view);

/* The attribute `name` of a viewed token; JETON_NOT_FOUND if it has no such one. Valid as long as the view; not
 * terminated. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_attribute(const jeton_view *view, const char *name,
                                                           const char **value, size_t *value_size);
/* The attributes one by one, from index 0; JETON_NOT_FOUND behind the last. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_attribute_at(const jeton_view *view, size_t index, const char **name,
                                                              size_t *name_size, const char **value,
                                                              size_t *value_size);

/* ---- Waiting ----
 * The calls wait for a token that does not exist yet (JETON_ALLOW_MISSING), or whose directory does not exist yet, as
 * for one that expired. No wait returns early for a signal; to end a wait, give it a jeton_cancel. */

/* Blocks until there is a valid token. `timeout_ms` 0: only check; negative: no limit. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_wait_valid(jeton_token *token, int64_t timeout_ms);

/* Blocks until there is a valid token of a higher generation than `generation`, which is then stored to
 * `*new_generation` (may be NULL). With 0 the same as jeton_wait_valid. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_wait_change(jeton_token *token, uint64_t generation,
                                                             int64_t timeout_ms, uint64_t *new_generation);

/* Ends waits from another thread or a signal handler. One object may serve any number of waits. */
typedef struct jeton_cancel jeton_cancel;
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_cancel_new(jeton_cancel **cancel);
/* Every wait that was given `cancel`, and every later one, returns JETON_CANCELLED. Async-signal-safe. In a child of
 * fork it ends the waits of that child. */
JETON_EXPORT void jeton_cancel_now(jeton_cancel *cancel);
/* Frees it; no wait may use it any more. NULL is allowed. */
JETON_EXPORT void jeton_cancel_free(jeton_cancel *cancel);

typedef struct jeton_wait_options {
  size_t size;          /* sizeof(jeton_wait_options) */
  uint64_t generation;  /* for a generation above this one; 0: for any valid token */
  int64_t timeout_ms;   /* 0: only check; negative: no limit */
  jeton_cancel *cancel; /* may be NULL */
} jeton_wait_options;
#define JETON_WAIT_OPTIONS_INIT \
  { sizeof(jeton_wait_options), 0, -1, NULL }

/* jeton_wait_change with all options. `options` NULL: JETON_WAIT_OPTIONS_INIT. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_wait(jeton_token *token, const jeton_wait_options *options,
                                                      uint64_t *new_generation);

/* For an event loop: a new descriptor that becomes readable when the token may have changed, was marked rejected or
 * expired by the agent, or its segment was replaced or appeared. Close-on-exec, non-blocking, independent of `token`,
 * yours to close(2). A child of fork shares it with its parent, and would consume events of it: the child must make its
 * own. It uses one inotify instance. If none is left (sysctl fs.inotify.max_user_instances, 128 for all programs of a
 * user; fs.inotify.max_user_watches) it is a timer that is readable ten times a second. An expiry while no agent runs
 * does not make it readable: check expires_at_ms. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_event_fd(jeton_token *token, int *fd);
/* Call it when the descriptor is readable, before reading the token: makes it unreadable until the next change, and
 * follows the token's file if that was replaced. One descriptor is enough for all waiters. Do not read(2) it yourself. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_event_clear(jeton_token *token, int fd);

/* ---- Feedback ---- */

/* Reports that the provider refused the token of this generation (a 401). If it is still the current token, the agent
 * marks it as rejected for the readers of this host, and the fleet fetches a new one: one fetch, however many report it.
 * `*current_generation` (may be NULL) is the current generation after the report: above `generation` if there is a newer
 * token already, then just read again; otherwise jeton_wait_change(token, generation, ...) waits for it. The call asks
 * the agent over its socket, for a second at most; it does not delay other readers. JETON_NO_AGENT (an agent that hangs
 * may still act on it), JETON_NO_PERMISSION, JETON_AGENT_REFUSED (the agent never had such a generation),
 * JETON_NO_TOKEN, JETON_SYSTEM_ERROR (no descriptor is left to ask it). */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_rejected(jeton_token *token, uint64_t generation,
                                                          uint64_t *current_generation);

/* For code that receives a token: JETON_OK if `presented` is the current one and it has not expired, or the previous one
 * within its overlap; else JETON_MISMATCH. The time it takes depends on the sizes, not on the bytes. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_accepts(jeton_token *token, const void *presented, size_t size);

/* ---- Locks ----
 * A lock that one process of the whole fleet holds at a time. The agent takes it, renews it every third of its TTL, and
 * releases it when this process releases it or ends in any way; the process needs no access to Redis. The section
 * locks: of the agent's configuration defines the locks.
 *
 *   jeton_lock *lock;
 *   if (jeton_lock_open(NULL, "nightly", &lock) != JETON_OK) ...
 *   if (jeton_lock_acquire(lock, 10000, NULL) == JETON_OK) {
 *     while (more_to_do() && !jeton_lock_lost(lock)) ...
 *     if (jeton_lock_release(lock) != JETON_OK) ... another owner may have worked meanwhile
 *   }
 *
 * A lock can be lost while its holder works: the agent or its Redis fails for longer than the TTL, a client deletes the
 * key, the machine sleeps. Call jeton_lock_lost before each important step, and let the resource refuse a fence lower
 * than one that it has seen: any time may pass between the last check and the step. From the loss on jeton_lock_lost is
 * true, at the latest at the end of the time for which the agent has confirmed the lock, also if the agent hangs or was
 * killed. The library renews nothing, and never takes a lock again by itself. With when_agent_stops: keep in the
 * configuration a lock is still held when the agent ends: the next call goes on with it at the next agent, under the
 * same owner id and fence, until the TTL ends.
 *
 * Threads: one takes and releases the lock; any may query its state. jeton_lock_close when no thread uses it any more.
 * Descriptors, none of them 0, 1 or 2: a connection to the agent while the lock is held or waited for. A handle keeps
 * it after a release, for its next lock, which is cheaper then; a process keeps 32 at most. A process that changes its
 * effective user or group makes a new one. The agent goes on judging a kept one by the supplementary groups at its
 * connect(2): after setgroups(2) alone, close the handle and open another.
 * Fork: the lock stays with the parent, whatever the child does or how long it lives. In the child every handle is as
 * new, without fence, owner id, reason and descriptor (JETON_LOCK_NOT_HELD); it may take locks of its own. */

typedef struct jeton_lock jeton_lock;

typedef struct jeton_lock_options {
  size_t size;             /* sizeof(jeton_lock_options) */
  const char *directory;   /* as in jeton_options */
  int64_t ttl_ms;          /* how long the lock lasts after this host or its agent fails */
  int64_t retry_ms;        /* when waiting, try again at this interval, besides at each release; 0: the agent's choice */
  const char *metadata;    /* shown with the holder (jetonctl lock show): UTF-8 without control characters, at most 512
                              bytes; may be NULL */
  const char *const *also; /* names of more locks, taken together with the first, all or none; 15 at most */
  size_t also_count;
} jeton_lock_options;
#define JETON_LOCK_OPTIONS_INIT \
  { sizeof(jeton_lock_options), NULL, 30000, 0, NULL, NULL, 0 }

/* A handle for the lock `name`; contacts no agent yet. Names: 1 to 128 characters of A-Z a-z 0-9 . _ : -, the first a
 * letter or digit. JETON_INVALID_ARGUMENT: a wrong name, or an option that is not as above. `options` may be NULL. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_open(const jeton_lock_options *options, const char *name,
                                                           jeton_lock **lock);
/* Releases it if it is held. NULL is allowed. */
JETON_EXPORT void jeton_lock_close(jeton_lock *lock);

/* Takes the lock, waiting for it until `timeout_ms` have passed; 0: one try; negative: no limit. Waiters of one host are
 * served in order, woken by the release. JETON_OK: held. JETON_LOCK_BUSY: not in that time. JETON_CANCELLED: by
 * jeton_cancel_now(`cancel`), which may be NULL. JETON_INVALID_ARGUMENT: the handle holds it, or waits, already.
 * JETON_NO_AGENT, JETON_AGENT_STALE (no answer within five seconds more), JETON_NO_PERMISSION, JETON_AGENT_REFUSED (a
 * TTL above max_ttl), JETON_LOCK_LIMIT, JETON_LOCK_UNAVAILABLE: see jeton_lock_reason. JETON_SYSTEM_ERROR: no descriptor is
 * left for a connection; errno.
 * The agent hears of a wait that is cancelled or released a moment later, and may just have taken the lock: a try right
 * afterwards, by this process too, may then find it busy. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_acquire(jeton_lock *lock, int64_t timeout_ms,
                                                              jeton_cancel *cancel);

/* The same for an event loop: asks the agent and returns. jeton_lock_check reports the result. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_start(jeton_lock *lock, int64_t timeout_ms);
/* Its state, without waiting: JETON_OK while it is held, JETON_LOCK_WAITING after jeton_lock_start, JETON_LOCK_LOST,
 * JETON_LOCK_NOT_HELD, or the reason why it was not taken. It may wait for half a second for the newest event, but only
 * if no call has read the agent's events for so long that the agent could send no more. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_check(jeton_lock *lock);
/* 0 while it is held; 1 otherwise, so also before it was taken and in a child of its holder. */
JETON_EXPORT JETON_MUST_CHECK int jeton_lock_lost(jeton_lock *lock);
/* A descriptor that is readable when jeton_lock_check has a new result: the lock is held, was refused or was lost; and
 * also with each renewal. Only jeton_lock_check and the end of a jeton_lock_acquire make it unreadable, whichever other
 * call has checked the lock meanwhile; but after the loss, or a refusal, it stays readable until jeton_lock_release or
 * the next jeton_lock_start. It belongs to the handle, is close-on-exec and valid until jeton_lock_close; do not
 * read(2) or close(2) it. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_event_fd(jeton_lock *lock, int *fd);

/* Releases the lock; ends the wait after jeton_lock_start, which the descriptor reports as well. JETON_OK: the agent
 * confirmed that it was held until now. JETON_LOCK_LOST: it was lost before, so another owner may have worked since.
 * JETON_LOCK_NOT_HELD: there was no lock to release. JETON_NO_AGENT, JETON_AGENT_STALE (after two seconds): no agent
 * confirmed the release; the lock expires within its TTL. In every case the handle no longer holds it. */
JETON_EXPORT jeton_status jeton_lock_release(jeton_lock *lock);

/* Replaces the TTL, from now on and for the renewals to come, until the release; it does not add. All names of
 * the handle. It asks the agent, for a second at most for each name; other threads may query the state meanwhile.
 * JETON_LOCK_LOST, JETON_LOCK_NOT_HELD; JETON_AGENT_REFUSED: above max_ttl; JETON_LOCK_UNAVAILABLE, JETON_NO_AGENT,
 * JETON_AGENT_STALE: not known whether it was extended, so the shorter time counts; it is held until jeton_lock_lost
 * returns 1. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_extend(jeton_lock *lock, int64_t ttl_ms);

/* The fence of the lock `name` (NULL: the first name) as it was taken last: it rises with every acquisition by any client,
 * and stays the same over renewals. Clients of another kind (`key`, `protocol`) draw none. Known also after the loss;
 * JETON_LOCK_NOT_HELD: it was never taken, or by the parent of this process. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_fence(jeton_lock *lock, const char *name, uint64_t *fence);
/* Its owner id, terminated: the value of the lock in Redis, under the older protocol (`getset`) until its first renewal.
 * A client that knows it can release the lock. */
#define JETON_LOCK_OWNER_SIZE 65
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_lock_owner(jeton_lock *lock, const char *name, char *buffer,
                                                            size_t capacity);
/* One sentence, in English, with the reason why it was refused, not extended or lost, often from the agent; terminated,
 * cut to `capacity` (512 bytes are enough). Empty if there is no reason. */
JETON_EXPORT jeton_status jeton_lock_reason(jeton_lock *lock, char *buffer, size_t capacity);

/* ---- Diagnosis ---- */

/* The names of the tokens that have a segment here, readable by this user or not: sorted, each followed by a NUL, one
 * behind the other in `buffer`; `*size` is their size together, `*count` (may be NULL) their number.
 * JETON_BUFFER_TOO_SMALL: `*size` is the needed size. JETON_NO_AGENT: none has ever run in this directory. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_list(const jeton_options *options, char *buffer, size_t capacity,
                                                      size_t *size, size_t *count);

/* The problem of a token, and of the agent; two members, because a token outlives its agent. */
typedef struct jeton_diagnosis {
  size_t size;              /* sizeof(jeton_diagnosis) */
  jeton_status token;       /* OK, NO_TOKEN, EXPIRED, REJECTED, BUSY, NOT_FOUND, NO_PERMISSION, or what was refused about
                               its segment (SYMLINK ... CORRUPT) */
  jeton_status agent;       /* OK; NO_AGENT: none answers; AGENT_STALE: it hangs or was stopped; SYSTEM_ERROR: there is no
                               descriptor left to ask it */
  int64_t heartbeat_age_ms; /* since the agent's last heartbeat in the segment; -1: none seen */
} jeton_diagnosis;
#define JETON_DIAGNOSIS_INIT \
  { sizeof(jeton_diagnosis), JETON_OK, JETON_OK, -1 }

/* Opens the token again and checks everything; JETON_OK if that could be done, whatever the result. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_diagnose(const jeton_options *options, const char *name,
                                                          jeton_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif

#endif
