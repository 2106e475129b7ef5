#include "agent/api/locks/lock_event_stream.hpp"

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

}  // namespace jeton::agent
