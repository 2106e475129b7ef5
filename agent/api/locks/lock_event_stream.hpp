// LockEventStream: chooses the next event of a lock for a client, from the state of the session and the events that
// were sent. States that passed while a line was being sent are left out; only "waiting" may come before "acquired".
// Sends nothing itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

enum class LockEvent { waiting, acquired, renewed, not_renewed, lost, busy, failed, released, heartbeat };

class LockEventStream {
 public:
  // The session outlives it.
  explicit LockEventStream(const LockSession& session) : session_(session) {}

  // The event to send now, if there is one. It stays the next one until mark_sent().
  [[nodiscard]] std::optional<LockEvent> next() const;
  void mark_sent(LockEvent event);
  // Whether a client that does not read may miss it: a later event says the same and more.
  [[nodiscard]] static bool can_wait(LockEvent event);
  // The event of next() is the last one.
  [[nodiscard]] bool is_over() const;

 private:
  const LockSession& session_;
  bool any_ = false;
  bool acquired_ = false;
  bool asked_to_end_ = false;
  std::uint64_t renewals_ = 0;
  std::string trouble_;  // that was sent; a renewal ends it
};

}  // namespace jeton::agent
