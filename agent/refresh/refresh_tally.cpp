#include "agent/refresh/refresh_tally.hpp"

namespace jeton::agent {

const char* to_string(RefreshReason reason) {
  switch (reason) {
    case RefreshReason::due:
      return "due";
    case RefreshReason::missing:
      return "missing";
    case RefreshReason::rejected:
      return "rejected";
    case RefreshReason::asked:
      return "asked";
    case RefreshReason::new_source:
      return "source_changed";
  }
  return "unknown";
}

const char* to_string(RefreshOutcome outcome) {
  switch (outcome) {
    case RefreshOutcome::success:
      return "success";
    case RefreshOutcome::temporary:
      return "temporary";
    case RefreshOutcome::permanent:
      return "permanent";
    case RefreshOutcome::stopped:
      return "stopped";
  }
  return "unknown";
}

}  // namespace jeton::agent
