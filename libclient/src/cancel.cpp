#include "libclient/src/cancel.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>

extern "C" jeton_status jeton_cancel_new(jeton_cancel** cancel) {
  if (cancel == nullptr) return JETON_INVALID_ARGUMENT;
  void* memory = std::malloc(sizeof(jeton_cancel));
  if (memory == nullptr) return JETON_SYSTEM_ERROR;
  *cancel = new (memory) jeton_cancel;
  return JETON_OK;
}

extern "C" void jeton_cancel_now(jeton_cancel* cancel) {
  if (cancel == nullptr) return;
  const int error = errno;  // of what a signal handler interrupted
  cancel->cancelled.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &cancel->cancelled, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  errno = error;
}

extern "C" void jeton_cancel_free(jeton_cancel* cancel) { std::free(cancel); }
