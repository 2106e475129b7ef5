// Loaded before the C library (LD_PRELOAD): the kernel's answer to a user who has no inotify instance left. The real
// limit is that of everything that runs here, and a namespace with a limit of its own cannot be made everywhere.
#include <errno.h>
#include <sys/inotify.h>

int inotify_init1(int flags) {
  (void)flags;
  errno = EMFILE;
  return -1;
}
