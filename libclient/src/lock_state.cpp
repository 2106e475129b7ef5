// The state of a handle's lock by the events that have come and by the time that has passed; its end; and the next
// agent.
//
// A lock that outlives its agent (when_agent_stops: keep) is still held when the connection ends: the fleet knows it by
// its owner id until its TTL is over. The agent that comes next goes on with it if it is asked in time.
#include <poll.h>

#include <cstdio>
#include <cstring>

#include "libclient/src/agent_socket.hpp"
#include "libclient/src/clock.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

constexpr std::int64_t look_for_agent_every_ms = 100;
// An agent that could send no more, because the client did not read, sends the newest as soon as there is room again.
constexpr std::int64_t newest_line_ms = 500;

// While it is held, the reason is why it may soon be lost.
jeton_status run_out(jeton_lock& lock) {
  if (lock.reason_of_extension) set_reason(lock, "");
  char text[sizeof(lock.reason) + 64];
  std::snprintf(text, sizeof(text), "the agent did not renew the lock in time%s%s", lock.reason[0] != '\0' ? ": " : "",
                lock.reason);
  return finish(lock, JETON_LOCK_LOST, text);
}

}  // namespace

void set_reason(jeton_lock& lock, const char* reason) noexcept {
  const std::size_t length = ::strnlen(reason, sizeof(lock.reason) - 1);
  std::memmove(lock.reason, reason, length);
  lock.reason[length] = '\0';
  lock.reason_of_extension = false;
}

jeton_status finish(jeton_lock& lock, jeton_status outcome, const char* reason) noexcept {
  if (reason != nullptr) set_reason(lock, reason);
  close_connection(lock);
  lock.state = LockState::idle;
  lock.unread = false;
  lock.resuming = false;
  lock.outcome = outcome;
  arm(lock);
  return outcome;
}

void await_next_agent(jeton_lock& lock) noexcept {
  close_connection(lock);
  lock.resuming = false;
  lock.resume_at_boot_ms = boot_now_ms() + look_for_agent_every_ms;
  arm(lock);
}

void resume(jeton_lock& lock) noexcept {
  const bool away = lock.state == LockState::held && lock.fd < 0;
  if (!away || boot_now_ms() < lock.resume_at_boot_ms) return;
  if (send_request(lock, 0, true) != JETON_OK) {
    await_next_agent(lock);
    return;
  }
  lock.resuming = true;
  set_reason(lock, "the new agent has not confirmed the lock");
  follow_connection(lock);
}

bool wait_for_news(jeton_lock& lock, std::int64_t deadline_ms) noexcept {
  const int fd = lock.fd;
  const LockPause pause(lock);
  return wait_for(fd, POLLIN, deadline_ms);
}

jeton_status look(jeton_lock& lock) noexcept {
  disown_of_parent(lock);
  if (lock.state == LockState::idle) return lock.outcome;
  // What comes now is read by the thread that waits for it.
  if (lock.awaited) return JETON_LOCK_WAITING;
  if (lock.state == LockState::releasing) return JETON_LOCK_NOT_HELD;
  resume(lock);
  const bool heard = receive(lock);
  if (lock.state == LockState::held && boot_now_ms() >= lock.valid_until_boot_ms) {
    const std::int64_t deadline_ms = monotonic_now_ms() + newest_line_ms;
    while (heard && lock.fd >= 0 && lock.state == LockState::held && boot_now_ms() >= lock.valid_until_boot_ms &&
           wait_for(lock.fd, POLLIN, deadline_ms)) {
      receive(lock);
    }
    if (lock.state == LockState::held && boot_now_ms() >= lock.valid_until_boot_ms) {
      return run_out(lock);
    }
  }
  if (lock.state == LockState::waiting && boot_now_ms() >= lock.answer_by_boot_ms) {
    return finish(lock, JETON_AGENT_STALE, "the agent does not answer in time");
  }
  arm(lock);
  if (lock.state == LockState::held) return JETON_OK;
  if (lock.state == LockState::waiting) return JETON_LOCK_WAITING;
  return lock.outcome;
}

}  // namespace jeton::client
