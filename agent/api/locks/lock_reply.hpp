// LockReply: the answer to a client that asked for locks. LockEventStream: the events of its stream. Neither knows
// HTTP. One thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/api/response.hpp"
#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

enum class LockEvent { waiting, acquired, renewed, not_renewed, lost, busy, failed, released, heartbeat };

// Chooses the next event of a lock for a client, from the state of the session and the events that were sent. States
// that passed while a line was being sent are left out; only "waiting" may come before "acquired". It sends nothing
// itself.
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

// One JSON object if the outcome is known at once or the lock is detached, otherwise a line for each event until the
// session ends.
class LockReply {
 public:
  enum class Form {
    none,    // the client goes on with its locks over another connection
    answer,  // one
    lines,
  };

  // Clock and lines outlive it. A stream without events has a line every `heartbeat`.
  LockReply(std::shared_ptr<LockSession> session, LineStream& lines, const Clock& clock, Duration heartbeat)
      : session_(std::move(session)), lines_(lines), clock_(clock), heartbeat_(heartbeat) {}

  // Waits for the first outcome.
  Task<Form> form();
  [[nodiscard]] ApiAnswer answer() const;
  Task<> send_lines();

 private:
  std::shared_ptr<LockSession> session_;
  LineStream& lines_;
  const Clock& clock_;
  Duration heartbeat_;
};

}  // namespace jeton::agent
