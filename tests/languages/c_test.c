/* What a C program does with libjeton: reads a live segment, waits for a change, reports a rejection. */
#include <inttypes.h>
#include <jeton/jeton.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(jeton_status status, const char *what) {
  if (status == JETON_OK) return;
  fprintf(stderr, "FAILED: %s: %s (%s)\n", what, jeton_status_text(status), jeton_status_name(status));
  exit(1);
}

static void check(int is_true, const char *what) {
  if (is_true) return;
  fprintf(stderr, "FAILED: %s\n", what);
  exit(1);
}

int main(void) {
  jeton_token *token = NULL;
  jeton_reader *reader = NULL;
  const jeton_view *view = NULL;
  must(jeton_open(NULL, "api", &token), "open");
  must(jeton_reader_open(token, &reader), "reader");
  must(jeton_current(reader, &view), "current");
  const uint64_t first = view->generation;
  check(view->value_size == strlen(view->value), "the value is terminated where it ends");
  must(jeton_accepts(token, view->value, view->value_size), "accepts the current token");
  check(jeton_accepts(token, "other", 5) == JETON_MISMATCH, "accepts nothing else");
  const char *kind = NULL;
  size_t kind_size = 0;
  must(jeton_attribute(view, "kind", &kind, &kind_size), "attribute");
  check(kind_size == 6 && memcmp(kind, "Bearer", 6) == 0, "the attribute is the token's");

  const char *jetonctl = getenv("JETONCTL");
  char command[4096];
  check(jetonctl != NULL && snprintf(command, sizeof(command), "'%s' refresh api >/dev/null", jetonctl) > 0, "JETONCTL");
  check(system(command) == 0, "refresh");
  uint64_t second = 0;
  must(jeton_wait_change(token, first, 60000, &second), "wait for the change");
  check(second > first, "a change raises the generation");

  uint64_t current = 0;
  must(jeton_rejected(token, first, &current), "reject the old generation");
  check(current >= second, "which is answered with the newer one");
  must(jeton_rejected(token, second, &current), "reject the current generation");
  uint64_t third = 0;
  must(jeton_wait_change(token, second, 60000, &third), "wait for what replaces it");

  char value[4096];
  size_t size = 0;
  jeton_info info = JETON_INFO_INIT;
  must(jeton_read(token, value, sizeof(value), &size, &info), "read");
  check(info.generation >= third && info.value_size == size && strlen(value) == size, "described in one piece");
  jeton_diagnosis diagnosis = JETON_DIAGNOSIS_INIT;
  must(jeton_diagnose(NULL, "api", &diagnosis), "diagnose");
  check(diagnosis.token == JETON_OK && diagnosis.agent == JETON_OK, "all is well");
  char names[64];
  size_t count = 0;
  must(jeton_list(NULL, names, sizeof(names), &size, &count), "list");
  check(count == 1 && strcmp(names, "api") == 0, "the one token is listed");

  jeton_lock_options options = JETON_LOCK_OPTIONS_INIT;
  options.ttl_ms = 10000;
  jeton_lock *lock = NULL;
  jeton_lock *other = NULL;
  uint64_t fence = 0;
  must(jeton_lock_open(&options, "job", &lock), "open a lock");
  must(jeton_lock_open(NULL, "job", &other), "open it again");
  must(jeton_lock_acquire(lock, 0, NULL), "take it");
  must(jeton_lock_fence(lock, NULL, &fence), "its fence");
  check(fence > 0 && !jeton_lock_lost(lock), "is held");
  check(jeton_lock_acquire(other, 0, NULL) == JETON_LOCK_BUSY, "by one only");
  must(jeton_lock_release(lock), "give it back");
  must(jeton_lock_acquire(other, 60000, NULL), "for the next");
  jeton_lock_close(other);
  jeton_lock_close(lock);
  jeton_reader_close(reader);
  jeton_close(token);
  puts("1 passed, 0 failed");
  return 0;
}
