#include "agent/api/locks/lock_reply.hpp"

#include "agent/api/locks/lock_json.hpp"

namespace jeton::agent {

std::optional<LockEvent> LockEventStream::next() const {
  using State = LockSession::State;
  switch (session_.state()) {
    case State::waiting:
      if (!any_) return LockEvent::waiting;
      break;
    case State::held:
      if (asked_to_end_) break;
      if (!acquired_) return LockEvent::acquired;
      if (session_.asked_to_end()) return LockEvent::lost;
      if (!session_.trouble().empty() && session_.trouble() != trouble_) return LockEvent::not_renewed;
      if (session_.renewals() != renewals_) return LockEvent::renewed;
      break;
    case State::busy:
      return LockEvent::busy;
    case State::failed:
      return LockEvent::failed;
    case State::lost:
      if (!asked_to_end_) return LockEvent::lost;
      break;
    case State::ended:
      return LockEvent::released;
    case State::trying:
    case State::releasing:
    case State::handed_over:
      break;
  }
  return std::nullopt;
}

void LockEventStream::mark_sent(LockEvent event) {
  any_ = true;
  if (session_.state() != LockSession::State::held) return;
  if (event == LockEvent::acquired) acquired_ = true;
  if (event == LockEvent::lost) asked_to_end_ = true;
  // A client that reads "renewed" takes the trouble for over, but another one of its locks may still have it.
  trouble_ = event == LockEvent::not_renewed ? session_.trouble() : std::string();
  if (event != LockEvent::not_renewed) renewals_ = session_.renewals();
}

bool LockEventStream::can_wait(LockEvent event) {
  return event == LockEvent::renewed || event == LockEvent::not_renewed;
}

bool LockEventStream::is_over() const {
  using State = LockSession::State;
  const State state = session_.state();
  return state != State::trying && state != State::waiting && state != State::held && state != State::releasing;
}

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
  co_return detached || first == State::busy || first == State::failed ? Form::answer : Form::lines;
}

ApiAnswer LockReply::answer() const {
  using State = LockSession::State;
  if (session_->state() == State::failed) return error_answer(503, "coordinator_unreachable", session_->reason());
  if (session_->state() == State::busy) return {409, lock_busy_json(*session_, clock_.boot_now())};
  if (session_->state() == State::lost) return error_answer(409, "not_held", session_->reason());
  if (session_->state() == State::ended) {
    return error_answer(400, "cancelled",
                        "the client ended its side of the connection, or sent more, before the answer: so the lock was "
                        "not taken, or released; keep the connection open for the answer");
  }
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
      if (over) {
        co_await lines_.send_last_line(std::move(line));
      } else {
        co_await lines_.send_line(std::move(line));
      }
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
