// A connection that a child inherits would hold the lock when the parent has died, so the child closes its copies at
// once. It must not send anything over them either: the parent still holds the lock.
#include <unistd.h>

#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
jeton_lock* all = nullptr;
bool has_handlers = false;

void before_fork() { ::pthread_mutex_lock(&all_mutex); }
void in_parent() { ::pthread_mutex_unlock(&all_mutex); }

// Only async-signal-safe calls: other threads of the parent may have been anywhere, also inside a handle's mutex.
void in_child() {
  for (jeton_lock* lock = all; lock != nullptr; lock = lock->next) {
    ::pthread_mutex_init(&lock->turn, nullptr);
    ::pthread_mutex_init(&lock->mutex, nullptr);
    disown(*lock);
  }
  ::pthread_mutex_init(&all_mutex, nullptr);
}

void close_one(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

void disown(jeton_lock& lock) noexcept {
  close_one(lock.fd);
  close_kept(lock);
  close_one(lock.epoll_fd);  // the parent's own, too: nothing is taken out of it or set in it
  close_one(lock.timer_fd);
  lock.armed_boot_ms = 0;
  lock.state = LockState::idle;
  lock.outcome = JETON_LOCK_NOT_HELD;
  lock.reason[0] = '\0';
  lock.pid = 0;
  lock.unread = false;
  lock.awaited = false;
  lock.resuming = false;
  for (std::size_t i = 0; i < lock.count; ++i) {
    lock.names[i].owner[0] = '\0';
    lock.names[i].fence = 0;
  }
}

void disown_of_parent(jeton_lock& lock) noexcept {
  if (lock.pid != 0 && lock.pid != ::getpid()) disown(lock);
}

bool enlist(jeton_lock& lock) noexcept {
  const ForkPause pause;
  if (!has_handlers) {
    if (::pthread_atfork(before_fork, in_parent, in_child) != 0) return false;
    has_handlers = true;
  }
  lock.next = all;
  if (all != nullptr) all->previous = &lock;
  all = &lock;
  return true;
}

void strike_off(jeton_lock& lock) noexcept {
  const ForkPause pause;
  disown(lock);
  (lock.previous != nullptr ? lock.previous->next : all) = lock.next;
  if (lock.next != nullptr) lock.next->previous = lock.previous;
}

ForkPause::ForkPause() { ::pthread_mutex_lock(&all_mutex); }
ForkPause::~ForkPause() { ::pthread_mutex_unlock(&all_mutex); }

}  // namespace jeton::client
