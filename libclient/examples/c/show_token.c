/* Reads a token and prints what an HTTP client would send, with all but the ends of the token masked.
 *
 *   show_token NAME [SECONDS]     waits up to SECONDS (default 10) for a valid token
 *
 * Exit status: 0 printed, 1 could not be opened, 3 no valid token. */
#include <jeton/jeton.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, jeton_status status, int exit_status) {
  fprintf(stderr, "show_token: %s: %s\n", what, jeton_status_text(status));
  return exit_status;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: show_token NAME [SECONDS]\n");
    return 1;
  }
  const char *name = argv[1];
  const int64_t timeout_ms = (argc > 2 ? atoll(argv[2]) : 10) * 1000;

  /* The directory comes from $JETON_DIR, or is /run/jeton. */
  jeton_token *token = NULL;
  jeton_status status = jeton_open(NULL, name, &token);
  if (status != JETON_OK) return fail(name, status, 1);

  status = jeton_wait_valid(token, timeout_ms);
  jeton_reader *reader = NULL;
  if (status == JETON_OK) status = jeton_reader_open(token, &reader);

  /* This is the call that a program makes for every request; it costs a few nanoseconds. */
  const jeton_view *view = NULL;
  if (status == JETON_OK) status = jeton_current(reader, &view);
  if (status != JETON_OK) {
    jeton_reader_close(reader);
    jeton_close(token);
    return fail(name, status, 3);
  }

  printf("Authorization: %s %.4s...(%zu bytes), generation %llu\n", view->type_size > 0 ? view->type : "Bearer",
         view->value, view->value_size, (unsigned long long)view->generation);
  jeton_reader_close(reader);
  jeton_close(token);
  return 0;
}
