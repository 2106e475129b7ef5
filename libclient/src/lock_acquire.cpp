#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>

#include "libclient/src/agent_socket.hpp"
#include "libclient/src/cancel.hpp"
#include "libclient/src/clock.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

constexpr std::int64_t longest_sleep_ms = 1000;  // other changes are looked for at least this often
constexpr std::int64_t without_fd_ms = 20;       // where there is no descriptor for a jeton_cancel

// The caller learns of the state now.
jeton_status tell(jeton_lock& lock, jeton_status status) {
  if (status != JETON_LOCK_WAITING && lock.unread) {
    lock.unread = false;
    arm(lock);
  }
  return status;
}

jeton_status start(jeton_lock& lock, std::int64_t timeout_ms) {
  static_cast<void>(look(lock));
  if (lock.state != LockState::idle) return JETON_INVALID_ARGUMENT;
  lock.give_up_boot_ms = timeout_ms < 0 ? INT64_MAX : later_by(boot_now_ms(), timeout_ms);
  return ask_for(lock);
}

// Until the agent has said something, the wait is cancelled, or it is time to look again.
void await_news(jeton_lock& lock, int cancel_fd, bool can_cancel) {
  const std::int64_t left = std::max<std::int64_t>(lock.answer_by_boot_ms - boot_now_ms(), 0);
  const std::int64_t slice = can_cancel && cancel_fd < 0 ? without_fd_ms : longest_sleep_ms;
  pollfd ready[] = {{lock.fd, POLLIN, 0}, {cancel_fd, POLLIN, 0}};
  lock.awaited = true;
  {
    const LockPause pause(lock);
    ::poll(ready, cancel_fd >= 0 ? 2 : 1, static_cast<int>(std::min(left, slice)));
  }
  lock.awaited = false;
}

// Only an agent can release the lock.
void await_agent(jeton_lock& lock, std::int64_t deadline_ms) {
  const auto away = [&] { return lock.state == LockState::held && (lock.fd < 0 || lock.resuming); };
  while (away() && monotonic_now_ms() < deadline_ms) {
    static_cast<void>(wait_for_news(lock, std::min(deadline_ms, monotonic_now_ms() + without_fd_ms)));
    static_cast<void>(look(lock));
  }
  if (away()) static_cast<void>(finish(lock, JETON_NO_AGENT, "the agent is gone; the lock will expire"));
}

// By an empty line, if the agent keeps the connection then.
void end_lock(const jeton_lock& lock) {
  constexpr char empty_line[] = {'\r', '\n'};
  const bool sent = lock.agent_keeps && ::send(lock.fd, empty_line, sizeof(empty_line), MSG_NOSIGNAL | MSG_DONTWAIT) ==
                                            static_cast<ssize_t>(sizeof(empty_line));
  if (!sent) ::shutdown(lock.fd, SHUT_WR);
}

// More than once if the agent ends meanwhile and the lock outlives it.
jeton_status release_lock(jeton_lock& lock) {
  const std::int64_t deadline_ms = monotonic_now_ms() + release_patience_ms;
  while (lock.state == LockState::held) {
    await_agent(lock, deadline_ms);
    if (lock.state != LockState::held) break;
    lock.state = LockState::releasing;
    end_lock(lock);
    while (lock.state == LockState::releasing && wait_for_news(lock, deadline_ms)) receive(lock);
  }
  return lock.state == LockState::releasing ? finish(lock, JETON_AGENT_STALE, "the agent does not confirm the release")
                                            : lock.outcome;
}

}  // namespace
}  // namespace jeton::client

using jeton::client::LockGuard;
using jeton::client::LockState;
using jeton::client::TurnGuard;

extern "C" jeton_status jeton_lock_start(jeton_lock* lock, int64_t timeout_ms) {
  if (lock == nullptr) return JETON_INVALID_ARGUMENT;
  const TurnGuard turn(*lock);
  const LockGuard guard(*lock);
  return jeton::client::start(*lock, timeout_ms);
}

extern "C" jeton_status jeton_lock_acquire(jeton_lock* lock, int64_t timeout_ms, jeton_cancel* cancel) {
  if (lock == nullptr) return JETON_INVALID_ARGUMENT;
  const int cancel_fd = jeton::client::cancel_fd(cancel);
  if (jeton::client::is_cancelled(cancel)) return JETON_CANCELLED;
  jeton_status status = jeton_lock_start(lock, timeout_ms);
  if (status != JETON_OK) return status;
  const LockGuard guard(*lock);
  while ((status = jeton::client::look(*lock)) == JETON_LOCK_WAITING) {
    if (jeton::client::is_cancelled(cancel)) {
      // If the agent has taken the lock in this moment, the end of the connection releases it.
      return jeton::client::finish(*lock, JETON_CANCELLED, "the wait was cancelled");
    }
    jeton::client::await_news(*lock, cancel_fd, cancel != nullptr);
  }
  return jeton::client::tell(*lock, status);
}

extern "C" jeton_status jeton_lock_check(jeton_lock* lock) {
  if (lock == nullptr) return JETON_INVALID_ARGUMENT;
  const LockGuard guard(*lock);
  return jeton::client::tell(*lock, jeton::client::look(*lock));
}

// A watchdog in another thread must not consume an event that an event loop waits for.
extern "C" int jeton_lock_lost(jeton_lock* lock) {
  if (lock == nullptr) return 1;
  const LockGuard guard(*lock);
  return jeton::client::look(*lock) != JETON_OK ? 1 : 0;
}

extern "C" jeton_status jeton_lock_release(jeton_lock* lock) {
  if (lock == nullptr) return JETON_INVALID_ARGUMENT;
  const TurnGuard turn(*lock);
  const LockGuard guard(*lock);
  const jeton_status before = jeton::client::look(*lock);
  jeton_status status = before == JETON_LOCK_LOST ? JETON_LOCK_LOST : JETON_LOCK_NOT_HELD;
  if (lock->state == LockState::held) status = jeton::client::release_lock(*lock);
  if (lock->state == LockState::waiting) {
    static_cast<void>(jeton::client::finish(*lock, JETON_LOCK_NOT_HELD, ""));
    lock->unread = true;  // a wait for it elsewhere, in another coroutine, must be notified
  }
  lock->outcome = JETON_LOCK_NOT_HELD;
  jeton::client::arm(*lock);
  return status;
}
