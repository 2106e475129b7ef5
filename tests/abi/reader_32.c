/* reader_32 NAME: a program for 32 bits on a segment that a 64-bit writer replaces: reads, waits and looks at the
 * current token, until twenty of them have come by. Prints what differs from what it should be, and fails. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <jeton/jeton.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(void *) == 4, "built for 64 bits");

#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) {                                                          \
      fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #condition, errno);  \
      return 1;                                                                  \
    }                                                                            \
  } while (0)

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The value names its generation (example_publisher.cpp). */
static int is_whole(const char *value, uint64_t generation) {
  char expected[64];
  snprintf(expected, sizeof(expected), "example-token-%llu", (unsigned long long)generation);
  return strcmp(value, expected) == 0;
}

int main(int argc, char **argv) {
  jeton_token *token;
  jeton_reader *reader;
  jeton_cancel *cancel;
  const jeton_view *view;
  const char *scope;
  size_t size;
  uint64_t generation = 0;
  if (argc != 2) return 2;
  CHECK(jeton_open(NULL, argv[1], &token) == JETON_OK);
  CHECK(jeton_reader_open(token, &reader) == JETON_OK);
  CHECK(jeton_cancel_new(&cancel) == JETON_OK);
  for (int i = 0; i < 20; ++i) {
    char value[256];
    jeton_info info = JETON_INFO_INIT;
    /* Every other time by the kernel's wait on two words, which takes its time in another form. */
    jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
    uint64_t before = generation;
    options.generation = before;
    options.timeout_ms = 30000;
    options.cancel = i % 2 == 0 ? NULL : cancel;
    CHECK(jeton_wait(token, &options, &generation) == JETON_OK);
    CHECK(generation > before);
    CHECK(jeton_read(token, value, sizeof(value), &size, &info) == JETON_OK);
    CHECK(is_whole(value, info.generation) && size == strlen(value) && info.generation >= generation);
    CHECK(strcmp(info.type, "Bearer") == 0 && info.flags == JETON_FLAG_VALID);
    CHECK(info.expires_at_ms - info.issued_at_ms == 3600 * 1000);
    CHECK(jeton_current(reader, &view) == JETON_OK);
    CHECK(is_whole(view->value, view->generation) && view->generation >= info.generation);
    CHECK(strcmp(view->origin, "host-1") == 0);
    CHECK(jeton_attribute(view, "tenant", &scope, &size) == JETON_OK && size == 2 && memcmp(scope, "42", 2) == 0);
    CHECK(jeton_accepts(token, "x", 1) == JETON_MISMATCH);
  }
  /* A wait that nothing ends runs out, by either of the kernel's calls, and sleeps: the kernel understands the time. */
  int64_t wall = now_ns(CLOCK_MONOTONIC);
  int64_t work = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < 2; ++i) {
    jeton_wait_options options = JETON_WAIT_OPTIONS_INIT;
    options.generation = UINT64_MAX;
    options.timeout_ms = 250;
    options.cancel = i == 0 ? NULL : cancel;
    CHECK(jeton_wait(token, &options, NULL) == JETON_TIMED_OUT);
  }
  wall = now_ns(CLOCK_MONOTONIC) - wall;
  work = now_ns(CLOCK_PROCESS_CPUTIME_ID) - work;
  CHECK(work * 8 < wall);
  jeton_cancel_free(cancel);
  jeton_reader_close(reader);
  jeton_close(token);
  printf("generation %llu\n", (unsigned long long)generation);
  return 0;
}
