/* jeton.h: read a token that jeton-agent keeps for this host.
 *
 *   jeton_token *token;
 *   jeton_reader *reader;
 *   const jeton_view *view;
 *   if (jeton_open(NULL, "wechat", &token) != JETON_OK || jeton_reader_open(token, &reader) != JETON_OK) ...
 *   if (jeton_current(reader, &view) == JETON_OK)
 *     printf("Authorization: %s %s\n", view->type, view->value);
 *
 * The token stands in a file that is mapped read-only. Reading is lock-free: no system call, no network, no wait,
 * whatever the agent does. The library never logs, starts no thread, installs no signal handler, keeps no descriptor
 * open between calls and throws nothing. It blocks only in jeton_wait_*.
 *
 * Threads: a jeton_token may be used by any number of threads at once; a jeton_reader by one at a time. A token and
 * its readers may be closed in any order, each once, when nobody uses it any more.
 * Fork: both go on working in the child, independently of the parent's.
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
  JETON_NO_TOKEN = 1,            /* the agent has not had a token under this name yet: wait */
  JETON_EXPIRED = 2,             /* the last token ran out and there is no new one: wait, look at the agent */
  JETON_BUSY = 3,                /* the agent published faster than it could be read, many times in a row: try again */
  JETON_TIMED_OUT = 4,           /* jeton_wait_*: not within the given time */
  JETON_BUFFER_TOO_SMALL = 5,    /* the needed size was returned */
  JETON_INVALID_ARGUMENT = 6,    /* a NULL pointer, an impossible name, a struct without its size */
  JETON_NOT_FOUND = 10,          /* no such token in this directory; or no such attribute */
  JETON_NO_PERMISSION = 11,      /* this user is not among the token's readers (access: in the agent's config) */
  JETON_SYMLINK = 12,            /* refused: the segment or its directory is a symbolic link */
  JETON_NOT_REGULAR = 13,        /* refused: not a regular file, or the directory is no directory */
  JETON_FOREIGN_OWNER = 14,      /* refused: file and directory do not belong to the same user */
  JETON_WRITABLE_FILE = 15,      /* refused: others than the owner may write the file */
  JETON_WRITABLE_DIRECTORY = 16, /* refused: others than the owner may write the directory */
  JETON_BAD_MAGIC = 17,          /* refused: not a segment */
  JETON_UNSUPPORTED_VERSION = 18, /* refused: written by a newer agent; update this library */
  JETON_TRUNCATED = 19,          /* refused: shorter than a segment, or not of the size it declares */
  JETON_CORRUPT = 20,            /* refused: inconsistent header, sizes, name or checksum */
  JETON_SYSTEM_ERROR = 21        /* errno says what */
} jeton_status;

/* One sentence without a full stop, in English; never NULL. */
JETON_EXPORT const char *jeton_status_text(jeton_status status);

/* Version of the library in use, "0.1.0". */
JETON_EXPORT const char *jeton_version(void);

/* One token of this host: its mapping. */
typedef struct jeton_token jeton_token;
/* One thread's view of a token. */
typedef struct jeton_reader jeton_reader;

/* Options of jeton_open. */
#define JETON_ALLOW_EXPIRED 1u /* read and current also give a token that ran out (see flags) */
#define JETON_ALLOW_MISSING 2u /* open even if there is no such token yet; reads say JETON_NOT_FOUND until then */

typedef struct jeton_options {
  size_t size;           /* sizeof(jeton_options) */
  const char *directory; /* the agent's runtime_dir; NULL: $JETON_DIR if set, else /run/jeton */
  uint32_t flags;        /* JETON_ALLOW_* */
} jeton_options;
#define JETON_OPTIONS_INIT \
  { sizeof(jeton_options), NULL, 0 }

/* Flags of a token. */
#define JETON_FLAG_VALID 1u
#define JETON_FLAG_EXPIRED 2u
#define JETON_FLAG_REJECTED 4u /* a user of it was refused by the provider; the agent sees to a new one */

/* Describes a token without its value. Set `size` before every call; what this library does not know is left alone. */
typedef struct jeton_info {
  size_t size; /* sizeof(jeton_info) */
  uint64_t generation;               /* rises from token to token */
  int64_t issued_at_ms;
  int64_t expires_at_ms;
  uint64_t previous_generation;      /* 0: none */
  int64_t previous_accept_until_ms;  /* the previous token is acceptable until then */
  int64_t heartbeat_ms;              /* the agent's last sign of life; 0: none yet */
  int64_t heartbeat_age_ms;          /* how long ago that is now; -1: none yet */
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
  const char *type;
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
 * it in `*info`, all of the same token. `info` may be NULL. JETON_BUFFER_TOO_SMALL: `*size` is what is needed.
 * On any other failure the content of `buffer` is undefined. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_read(jeton_token *token, void *buffer, size_t capacity, size_t *size,
                                                      jeton_info *info);

/* Describes the token. JETON_OK also if it expired: `info->flags` tells. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_inspect(jeton_token *token, jeton_info *info);

JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_reader_open(jeton_token *token, jeton_reader **reader);
/* Wipes the view. NULL is allowed. */
JETON_EXPORT void jeton_reader_close(jeton_reader *reader);

/* The current token, as a view that is valid until the next call with this reader. Costs one load and a look at the
 * clock while nothing changed. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_current(jeton_reader *reader, const jeton_view **view);

/* The attribute `name` of a viewed token; JETON_NOT_FOUND if it has none such. Valid as long as the view; not
 * terminated. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_attribute(const jeton_view *view, const char *name,
                                                           const char **value, size_t *value_size);
/* The attributes one by one, from index 0; JETON_NOT_FOUND behind the last. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_attribute_at(const jeton_view *view, size_t index, const char **name,
                                                              size_t *name_size, const char **value,
                                                              size_t *value_size);

/* Blocks until there is a valid token. `timeout_ms` 0: only look; negative: for ever. Does not return early for a
 * signal. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_wait_valid(jeton_token *token, int64_t timeout_ms);

/* Blocks until there is a valid token of a higher generation than `generation`, which is then stored to
 * `*new_generation` (may be NULL). With 0 the same as jeton_wait_valid. */
JETON_EXPORT JETON_MUST_CHECK jeton_status jeton_wait_change(jeton_token *token, uint64_t generation,
                                                             int64_t timeout_ms, uint64_t *new_generation);

#ifdef __cplusplus
}
#endif

#endif
