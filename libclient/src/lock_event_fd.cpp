// jeton_lock_event_fd: an epoll descriptor over the connection, for the agent's events, and over a timer, for the end
// of the lock without an event. The timer counts suspend, as the validity does; once it has expired it stays readable.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libclient/src/clock.hpp"
#include "libclient/src/descriptor.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

constexpr std::int64_t at_once_ms = 1;  // of the clock's first millisecond

bool follow(int epoll_fd, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

// When the handle must be checked even without an event of the agent; 0: never.
std::int64_t look_at_ms(const jeton_lock& lock) {
  switch (lock.state) {
    case LockState::waiting:
      return lock.answer_by_boot_ms;
    case LockState::held:
      if (lock.unread) return at_once_ms;
      if (lock.fd < 0) return std::min(lock.resume_at_boot_ms, lock.valid_until_boot_ms);
      return lock.valid_until_boot_ms > 0 ? lock.valid_until_boot_ms : at_once_ms;
    case LockState::releasing:
      return 0;
    case LockState::idle:
      break;
  }
  return lock.outcome == JETON_LOCK_NOT_HELD && !lock.unread ? 0 : at_once_ms;
}

// False: the system has no room for them.
bool make_descriptors(jeton_lock& lock) {
  const ForkPause pause;
  Descriptor timer = above_standard(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  Descriptor events = above_standard(::epoll_create1(EPOLL_CLOEXEC));
  if (timer.get() < 0 || events.get() < 0 || !follow(events.get(), timer.get()) ||
      (lock.fd >= 0 && !follow(events.get(), lock.fd))) {
    return false;
  }
  lock.timer_fd = timer.release();
  lock.epoll_fd = events.release();
  lock.pid = ::getpid();
  return true;
}

}  // namespace

void follow_connection(jeton_lock& lock) noexcept {
  if (lock.epoll_fd < 0 || lock.fd < 0) return;
  // If there is no room for it, the timer makes the application check the lock.
  if (!follow(lock.epoll_fd, lock.fd)) lock.answer_by_boot_ms = at_once_ms;
  arm(lock);
}

void leave_connection(jeton_lock& lock) noexcept {
  if (lock.epoll_fd >= 0 && lock.fd >= 0) ::epoll_ctl(lock.epoll_fd, EPOLL_CTL_DEL, lock.fd, nullptr);
}

void arm(jeton_lock& lock) noexcept {
  if (lock.timer_fd < 0) return;
  const std::int64_t at_ms = look_at_ms(lock);
  if (at_ms == lock.armed_boot_ms) return;
  itimerspec time = {};
  time.it_value.tv_sec = static_cast<time_t>(at_ms / 1000);
  time.it_value.tv_nsec = static_cast<long>(at_ms % 1000 * 1'000'000);
  ::timerfd_settime(lock.timer_fd, TFD_TIMER_ABSTIME, &time, nullptr);
  lock.armed_boot_ms = at_ms;
}

}  // namespace jeton::client

extern "C" jeton_status jeton_lock_event_fd(jeton_lock* lock, int* fd) {
  if (lock == nullptr || fd == nullptr) return JETON_INVALID_ARGUMENT;
  const jeton::client::LockGuard guard(*lock);
  static_cast<void>(jeton::client::look(*lock));
  if (lock->epoll_fd < 0) {
    if (!jeton::client::make_descriptors(*lock)) return JETON_SYSTEM_ERROR;
    jeton::client::arm(*lock);
  }
  *fd = lock->epoll_fd;
  return JETON_OK;
}
