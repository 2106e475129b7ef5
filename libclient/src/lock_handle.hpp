// jeton_lock: the state of a handle's lock, and the connection to the agent that holds it (agent/README.md).
//
//   lock.cpp          open, close, fence, owner, reason
//   lock_request.cpp  the question to the agent, and the extension
//   lock_events.cpp   the agent's answers, and their effect on the handle
//   lock_connection.cpp  the connection: made, ended, kept for the next lock
//   lock_state.cpp    the state also by the time; its end; the next agent, for a lock that outlives the present one
//   lock_acquire.cpp  start, acquire, check, release
//   lock_event_fd.cpp the descriptor for event loops
//   lock_fork.cpp     all handles of this process: a child has none of its parent's locks
//
// The agent releases the lock when the last copy of the connection is closed, so a child must not keep one. All
// functions except those of lock_fork.cpp need `mutex` held. A call that takes, extends or releases the lock has its
// turn first, and gives `mutex` up while it waits for the agent: so calls about the state never wait for the agent, but
// for what jeton_lock_check says.
#pragma once

#include <jeton/jeton.h>
#include <pthread.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace jeton::client {

inline constexpr std::size_t max_lock_name = 128;
inline constexpr std::size_t max_locks = 16;  // of one handle
inline constexpr std::size_t max_metadata = 512;
// The longest time of an answer beyond the requested wait; the agent may itself wait for its Redis.
inline constexpr std::int64_t answer_patience_ms = 5000;
inline constexpr std::int64_t release_patience_ms = 2000;
inline constexpr std::int64_t longest_wait_ms = 24LL * 3600 * 1000;  // the agent takes no longer one

enum class LockState { idle, waiting, held, releasing };

struct LockName {
  char name[max_lock_name + 1];
  char owner[JETON_LOCK_OWNER_SIZE];  // of the last time it was held
  std::uint64_t fence;
};

}  // namespace jeton::client

struct jeton_lock {
  pthread_mutex_t turn;  // taken before `mutex`
  pthread_mutex_t mutex;
  jeton_lock* next = nullptr;  // of this process; guarded by lock_fork.cpp
  jeton_lock* previous = nullptr;

  char* directory = nullptr;
  char* metadata = nullptr;
  std::int64_t ttl_ms = 0;
  std::int64_t retry_ms = 0;
  jeton::client::LockName* names = nullptr;
  std::size_t count = 0;

  jeton::client::LockState state = jeton::client::LockState::idle;
  jeton_status outcome = JETON_LOCK_NOT_HELD;  // while idle: the result
  char reason[512] = "";                       // of the outcome; while held: why it may be lost
  bool reason_of_extension = false;            // or why it was not extended
  pid_t pid = 0;                               // the process that has descriptors here; 0: none has made any yet
  int fd = -1;
  // Idle, and the agent waits for the next request on it; -1: none.
  int kept_fd = -1;
  uid_t user = 0;  // as which it was connected: the agent knows its client by that
  gid_t group = 0;
  std::int64_t give_up_boot_ms = 0;      // of a wait: INT64_MAX is no limit
  std::int64_t answer_by_boot_ms = 0;    // of a wait: the agent hangs if it has not answered by then
  std::int64_t valid_until_boot_ms = 0;  // while held
  std::int64_t held_ttl_ms = 0;          // while held: ttl_ms, or that of the last extension
  bool unread = false;                   // held, or its wait ended by a release: jeton_lock_check has not said so yet
  bool awaited = false;                  // while waiting: a thread sleeps on the connection in jeton_lock_acquire
  bool outlives_agent = false;           // while held: a connection that ends is not the lock's end
  bool resuming = false;               // while held: the next agent has not confirmed it yet, if there is a connection
  std::int64_t resume_at_boot_ms = 0;  // while held without a connection: when to look for the next agent
  bool reused = false;                 // the connection was kept: the agent may have ended it meanwhile
  bool agent_keeps = false;            // the agent said so, in the head of its answer
  int http_status = 0;                 // 0: the answer's head is still to come
  std::size_t content_size = 0;        // of an answer that is no stream; 0: up to the end of the connection
  char buffer[6144];                   // received bytes that are not a whole line yet; several names make long lines
  std::size_t size = 0;

  int epoll_fd = -1;
  int timer_fd = -1;
  std::int64_t armed_boot_ms = 0;  // 0: not at all
};

namespace jeton::client {

class MutexGuard {
 public:
  explicit MutexGuard(pthread_mutex_t& mutex) : mutex_(mutex) { ::pthread_mutex_lock(&mutex_); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;
  ~MutexGuard() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t& mutex_;
};

struct TurnGuard : MutexGuard {
  explicit TurnGuard(jeton_lock& lock) : MutexGuard(lock.turn) {}
};

struct LockGuard : MutexGuard {
  explicit LockGuard(jeton_lock& lock) : MutexGuard(lock.mutex) {}
};

// While an object exists, other threads may ask the handle for its state, and may read the agent's events. So the
// thread that made the object must look at the state of the lock again afterwards.
class LockPause {
 public:
  explicit LockPause(jeton_lock& lock) : lock_(lock) { ::pthread_mutex_unlock(&lock_.mutex); }
  LockPause(const LockPause&) = delete;
  LockPause& operator=(const LockPause&) = delete;
  ~LockPause() { ::pthread_mutex_lock(&lock_.mutex); }

 private:
  jeton_lock& lock_;
};

// ---- lock_request.cpp ----

// Connects and asks for the lock, to be waited for until give_up_boot_ms. Not OK: the handle is idle with that outcome.
[[nodiscard]] jeton_status ask_for(jeton_lock& lock) noexcept;
// Connects and sends the request for the lock, or to go on with it. JETON_NO_AGENT: no agent takes it.
// JETON_SYSTEM_ERROR: there is no descriptor for it.
[[nodiscard]] jeton_status send_request(jeton_lock& lock, std::int64_t wait_ms, bool resume) noexcept;

// ---- lock_events.cpp ----

// Reads the received events. True: something was received.
bool receive(jeton_lock& lock) noexcept;

// ---- lock_connection.cpp ----

// A connection for the next request: the one that was kept, or a new one. False: no agent takes it.
[[nodiscard]] bool make_connection(jeton_lock& lock, bool may_reuse, std::int64_t deadline_ms) noexcept;
// The answer on it has ended: it is kept for the next lock of the handle, unless the process keeps enough.
void keep_connection(jeton_lock& lock) noexcept;
void close_connection(jeton_lock& lock) noexcept;
// Also in a child, for its copy: async-signal-safe. Elsewhere in a ForkPause.
void close_kept(jeton_lock& lock) noexcept;

// ---- lock_state.cpp ----

// Reads the received events and updates the state, also by the time that has passed. JETON_OK: held;
// JETON_LOCK_WAITING; else the outcome.
[[nodiscard]] jeton_status look(jeton_lock& lock) noexcept;
// The connection ends, the handle is idle. Returns `outcome`.
jeton_status finish(jeton_lock& lock, jeton_status outcome, const char* reason) noexcept;
void set_reason(jeton_lock& lock, const char* reason) noexcept;
// The connection has ended, or the agent did not confirm: the lock is held without a connection; the handle looks for
// the next agent a little later.
void await_next_agent(jeton_lock& lock) noexcept;
// In a LockPause, until something comes on the connection, which another thread may read first. False: it is late.
[[nodiscard]] bool wait_for_news(jeton_lock& lock, std::int64_t deadline_ms) noexcept;
// Asks the present agent to go on with the lock, if it is time.
void resume(jeton_lock& lock) noexcept;

// ---- lock_event_fd.cpp ----

// The connection, or the times to report something, have changed.
void follow_connection(jeton_lock& lock) noexcept;
void leave_connection(jeton_lock& lock) noexcept;
void arm(jeton_lock& lock) noexcept;

// ---- lock_fork.cpp ----

// False: the process has no room for a handler.
[[nodiscard]] bool enlist(jeton_lock& lock) noexcept;
// Closes its descriptors: from now on no child would.
void strike_off(jeton_lock& lock) noexcept;
// Delays fork while an object exists: for a child, a descriptor is made and recorded in one step.
class ForkPause {
 public:
  ForkPause();
  ForkPause(const ForkPause&) = delete;
  ForkPause& operator=(const ForkPause&) = delete;
  ~ForkPause();
};
// In a child: forgets the parent's lock without releasing it. The handle is as new.
void disown(jeton_lock& lock) noexcept;
// In a child of a raw clone(2), which no handler of fork has prepared.
void disown_of_parent(jeton_lock& lock) noexcept;

}  // namespace jeton::client
