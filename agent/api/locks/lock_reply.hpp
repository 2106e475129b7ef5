// LockReply: the answer to a client that asked for locks: one JSON object if the outcome is known at once or the lock
// is detached, otherwise a line for each event (lock_event_stream.hpp) until the session ends. Knows no HTTP.
#pragma once

#include <memory>
#include <utility>

#include "agent/api/line_stream.hpp"
#include "agent/api/response.hpp"
#include "agent/locks/lock_session.hpp"

namespace jeton::agent {

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
