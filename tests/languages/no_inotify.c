// This library is loaded before the C library (LD_PRELOAD). It answers as the kernel does when a user has no inotify
// instance left. A test must not lower the real limit, because it holds for every process of the user, and a namespace
// with a limit of its own cannot be made everywhere.
#include <errno.h>
#include <sys/inotify.h>

int inotify_init1(int flags) {
  (void)flags;
  errno = EMFILE;
  return -1;
}
