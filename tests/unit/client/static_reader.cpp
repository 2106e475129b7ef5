// A program that is linked statically, libjeton and C library and all: it opens DIRECTORY's token "api", forbids itself
// every system call, and reads. Exit status 0: good; 1: a read failed; 77: no seccomp here; a signal: a system call.
#include <jeton/jeton.h>
#include <unistd.h>

#include "tests/support/no_system_calls.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  jeton_options options = JETON_OPTIONS_INIT;
  options.directory = argv[1];
  jeton_token* token = nullptr;
  jeton_reader* reader = nullptr;
  if (jeton_open(&options, "api", &token) != JETON_OK || jeton_reader_open(token, &reader) != JETON_OK) return 1;
  if (!jeton::test::forbid_system_calls()) return 77;
  char buffer[4096];
  size_t size = 0;
  const jeton_view* view = nullptr;
  int good = 0;
  for (int i = 0; i < 1000; ++i) {
    good += jeton_read(token, buffer, sizeof(buffer), &size, nullptr) == JETON_OK;
    good += jeton_current(reader, &view) == JETON_OK;
  }
  ::syscall(SYS_exit_group, good == 2000 ? 0 : 1);
}
