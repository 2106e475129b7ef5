// This library is loaded before the C library (LD_PRELOAD) into the processes of one host of a chaos run. It adds the
// seconds in the file JETON_CHAOS_CLOCK to their wall clock. A timer of the wall clock is the FIFO
// JETON_CHAOS_CLOCK_STEPS to them, which becomes readable with each step, as a timerfd with TFD_TIMER_CANCEL_ON_SET
// does. HostClock (host_clock.hpp) writes both.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t no_offset;
static const _Atomic int64_t* offset_seconds = &no_offset;

// Ends the process if it fails: without steps the run would show nothing.
__attribute__((constructor)) static void map_offset(void) {
  const char* const file = getenv("JETON_CHAOS_CLOCK");
  const int fd = file == NULL ? -1 : open(file, O_RDONLY | O_CLOEXEC);
  void* const page = mmap(NULL, sizeof no_offset, PROT_READ, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) abort();
  close(fd);
  offset_seconds = page;
}

int clock_gettime(clockid_t clock, struct timespec* result) {
  const int status = (int)syscall(SYS_clock_gettime, clock, result);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    result->tv_sec += atomic_load(offset_seconds);
  }
  return status;
}

int gettimeofday(struct timeval* restrict result, void* restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* result) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int timerfd_create(clockid_t clock, int flags) {
  if (clock != CLOCK_REALTIME) return (int)syscall(SYS_timerfd_create, clock, flags);
  return open(getenv("JETON_CHAOS_CLOCK_STEPS"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
}
