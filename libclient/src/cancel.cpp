#include "libclient/src/cancel.hpp"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>

#include "libclient/src/descriptor.hpp"

namespace jeton::client {
namespace {

std::uint64_t event_of_this_process(int fd) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(::getpid())) << 32 | static_cast<std::uint32_t>(fd);
}

// -1: there is none of this process.
int fd_of(std::uint64_t event) {
  const int fd = static_cast<int>(static_cast<std::uint32_t>(event));
  return event != 0 && event == event_of_this_process(fd) ? fd : -1;
}

}  // namespace

// seq_cst on both sides: the waiter stores the descriptor and then loads the word, jeton_cancel_now stores the word and
// then loads the descriptor; one of them sees the other's store.
int cancel_fd(jeton_cancel* cancel) noexcept {
  if (cancel == nullptr) return -1;
  std::uint64_t known = cancel->event.load(std::memory_order_seq_cst);
  if (fd_of(known) >= 0) return fd_of(known);
  const int made = above_standard(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)).release();
  if (made < 0) return made;
  // The number of a parent's descriptor may be another's here by now, so that one is not closed.
  if (cancel->event.compare_exchange_strong(known, event_of_this_process(made), std::memory_order_seq_cst)) return made;
  ::close(made);
  return fd_of(known);
}

}  // namespace jeton::client

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
  cancel->cancelled.store(1, std::memory_order_seq_cst);
  ::syscall(SYS_futex, &cancel->cancelled, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  const int fd = jeton::client::fd_of(cancel->event.load(std::memory_order_seq_cst));
  const std::uint64_t one = 1;
  if (fd >= 0) static_cast<void>(!::write(fd, &one, sizeof(one)));
  errno = error;
}

extern "C" void jeton_cancel_free(jeton_cancel* cancel) {
  if (cancel == nullptr) return;
  const int fd = jeton::client::fd_of(cancel->event.load(std::memory_order_relaxed));
  if (fd >= 0) ::close(fd);
  std::free(cancel);
}
