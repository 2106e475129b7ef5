// A lock that outlives its agent (when_agent_stops: keep) is still held when the connection ends: the fleet knows it by
// its owner id until its TTL is over. The agent that comes next goes on with it if it is asked in time.
#include "libclient/src/clock.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

constexpr std::int64_t look_for_agent_every_ms = 100;

}  // namespace

void await_next_agent(jeton_lock& lock) noexcept {
  close_connection(lock);
  lock.resuming = false;
  lock.resume_at_boot_ms = boot_now_ms() + look_for_agent_every_ms;
  arm(lock);
}

void resume(jeton_lock& lock) noexcept {
  const bool away = lock.state == LockState::held && lock.fd < 0;
  if (!away || boot_now_ms() < lock.resume_at_boot_ms) return;
  if (!send_request(lock, 0, true)) {
    await_next_agent(lock);
    return;
  }
  lock.resuming = true;
  set_reason(lock, "the new agent has not confirmed the lock");
  follow_connection(lock);
}

}  // namespace jeton::client
