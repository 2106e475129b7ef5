#include "agent/api/locks/lock_reply.hpp"

#include <optional>
#include <string>
#include <utility>

#include "agent/api/locks/lock_event_stream.hpp"
#include "agent/api/locks/lock_json.hpp"

namespace jeton::agent {

Task<LockReply::Form> LockReply::form() {
  using State = LockSession::State;
  const bool detached = session_->request().detached;
  const auto undecided = [&] {
    const State state = session_->state();
    return state == State::trying || state == State::releasing || (detached && state == State::waiting);
  };
  while (undecided()) {
    co_await session_->changed().wait();
    lines_.check_open();
  }
  const State first = session_->state();
  if (first == State::handed_over) co_return Form::none;
  const bool one_answer = first == State::busy || first == State::failed || (first == State::held && detached);
  co_return one_answer ? Form::answer : Form::lines;
}

ApiAnswer LockReply::answer() const {
  using State = LockSession::State;
  if (session_->state() == State::failed) return error_answer(503, "coordinator_unreachable", session_->reason());
  if (session_->state() == State::busy) return {409, lock_busy_json(*session_, clock_.boot_now())};
  const HeldLock& lock = session_->held().front();
  return {200, lock_json(lock.id.name, lock.lease)};
}

// Each line is made from the state at the time of sending, so a line that waited behind another is never old.
Task<> LockReply::send_lines() {
  LockEventStream events(*session_);
  for (BootTime heartbeat = clock_.boot_now() + heartbeat_;;) {
    const std::optional<LockEvent> event = events.next();
    const bool over = events.is_over();
    // A holder may stop reading for any time; then it reads the newest event.
    if (event && LockEventStream::can_wait(*event) && !lines_.has_room()) {
      lines_.when_room([session = session_] { session->changed().notify(); });
      co_await session_->changed().wait();
      lines_.check_open();
      continue;
    }
    if (event) {
      std::string line = lock_event(*event, *session_, clock_.boot_now());
      events.mark_sent(*event);
      co_await lines_.send_line(std::move(line));
      heartbeat = clock_.boot_now() + heartbeat_;
    }
    if (over) co_return;
    if (event) continue;
    const bool notified = co_await session_->changed().wait_until(heartbeat);
    lines_.check_open();
    if (notified) continue;
    if (lines_.has_room()) {
      std::string line = lock_event(LockEvent::heartbeat, *session_, clock_.boot_now());
      co_await lines_.send_line(std::move(line));
    }
    heartbeat = clock_.boot_now() + heartbeat_;
  }
}

}  // namespace jeton::agent
