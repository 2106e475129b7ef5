// The connection of a handle to the agent. While a lock is wanted or held, it is the lock's life. After the release the
// agent may keep it, and then the handle's next lock needs none of its own. What is kept holds nothing: the agent may
// end it at any time, and the handle then makes a new one.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "libclient/src/agent_socket.hpp"
#include "libclient/src/lock_handle.hpp"

namespace jeton::client {
namespace {

constexpr int most_kept = 32;  // by a process: it may have many handles, and few descriptors

std::atomic<int> kept_connections{0};

// The agent takes the client for the user that it was when it connected.
bool is_same_user(const jeton_lock& lock) { return lock.user == ::geteuid() && lock.group == ::getegid(); }

}  // namespace

bool make_connection(jeton_lock& lock, bool may_reuse, std::int64_t deadline_ms) noexcept {
  const ForkPause pause;
  lock.reused = may_reuse && lock.kept_fd >= 0 && is_same_user(lock);
  if (!lock.reused) close_kept(lock);
  if (lock.reused) {
    lock.fd = lock.kept_fd;
    lock.kept_fd = -1;
    kept_connections.fetch_sub(1, std::memory_order_relaxed);
  } else {
    lock.user = ::geteuid();
    lock.group = ::getegid();
    lock.fd = connect_to_agent(lock.directory, deadline_ms);
  }
  return lock.fd >= 0;
}

void keep_connection(jeton_lock& lock) noexcept {
  leave_connection(lock);
  {
    const ForkPause pause;
    if (kept_connections.load(std::memory_order_relaxed) < most_kept) {
      kept_connections.fetch_add(1, std::memory_order_relaxed);
      lock.kept_fd = std::exchange(lock.fd, -1);
      lock.size = 0;
    }
  }
  if (lock.fd >= 0) close_connection(lock);
}

void close_connection(jeton_lock& lock) noexcept {
  leave_connection(lock);
  if (lock.fd >= 0) {
    // This ends the connection also if a child has a copy of the descriptor.
    ::shutdown(lock.fd, SHUT_RDWR);
    const ForkPause pause;
    ::close(lock.fd);
    lock.fd = -1;
  }
  lock.size = 0;
}

void close_kept(jeton_lock& lock) noexcept {
  if (lock.kept_fd < 0) return;
  ::close(lock.kept_fd);
  lock.kept_fd = -1;
  kept_connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace jeton::client
