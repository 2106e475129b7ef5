#include "agent/api/lock_news.hpp"

#include <string_view>

namespace jeton::agent {
namespace {

using State = LockSession::State;

}  // namespace

const char* LockNews::next() const {
  switch (session_.state()) {
    case State::waiting:
      return any_ ? nullptr : "waiting";
    case State::held:
      if (asked_to_end_) return nullptr;
      if (!acquired_) return "acquired";
      if (session_.asked_to_end()) return "lost";
      if (!session_.trouble().empty() && session_.trouble() != trouble_) return "not_renewed";
      return session_.renewals() != renewals_ ? "renewed" : nullptr;
    case State::busy:
      return "busy";
    case State::failed:
      return "failed";
    case State::lost:
      return asked_to_end_ ? nullptr : "lost";
    case State::ended:
      return "released";
    case State::trying:
    case State::releasing:
    case State::handed_over:
      break;
  }
  return nullptr;
}

void LockNews::told(const char* event) {
  any_ = true;
  if (session_.state() != State::held) return;
  const std::string_view what(event);
  if (what == "acquired") acquired_ = true;
  if (what == "lost") asked_to_end_ = true;
  // A client that is told of a renewal forgets the trouble, which another of several locks may still have.
  trouble_ = what == "not_renewed" ? session_.trouble() : std::string();
  if (what != "not_renewed") renewals_ = session_.renewals();
}

bool LockNews::can_wait(const char* event) {
  return event != nullptr && (std::string_view(event) == "renewed" || std::string_view(event) == "not_renewed");
}

bool LockNews::is_over() const {
  const State state = session_.state();
  return state != State::trying && state != State::waiting && state != State::held && state != State::releasing;
}

}  // namespace jeton::agent
