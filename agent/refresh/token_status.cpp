#include "agent/refresh/token_status.hpp"

namespace jeton::agent {

const char* to_string(TokenState state) {
  switch (state) {
    case TokenState::none:
      return "none";
    case TokenState::valid:
      return "valid";
    case TokenState::expired:
      return "expired";
  }
  return "unknown";
}

const char* to_string(RefreshPhase phase) {
  switch (phase) {
    case RefreshPhase::starting:
      return "starting";
    case RefreshPhase::quiet:
      return "quiet";
    case RefreshPhase::acquiring:
      return "acquiring";
    case RefreshPhase::fetching:
      return "fetching";
    case RefreshPhase::publishing:
      return "publishing";
    case RefreshPhase::waiting:
      return "waiting";
    case RefreshPhase::backing_off:
      return "backing_off";
    case RefreshPhase::stopped:
      return "stopped";
  }
  return "unknown";
}

const char* to_string(OutputStatus::State state) {
  switch (state) {
    case OutputStatus::State::waiting:
      return "waiting";
    case OutputStatus::State::written:
      return "written";
    case OutputStatus::State::removed:
      return "removed";
    case OutputStatus::State::failing:
      return "failing";
  }
  return "unknown";
}

}  // namespace jeton::agent
