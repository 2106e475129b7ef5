// RefreshTally: the refreshes of all tokens of this host since the agent started, by reason and outcome, for /metrics.
// A refresh counts when this host called the provider. It outlives the loops that count into it, so that no count goes
// back when a reload replaces one. One thread: the loop's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/tally.hpp"

namespace jeton::agent {

enum class RefreshReason {
  due,       // by the schedule
  missing,   // there was no valid token
  rejected,  // by the provider, when an application used it
  asked,     // by an operator
  new_source
};
enum class RefreshOutcome { success, temporary, permanent, stopped };

[[nodiscard]] inline const char* to_string(RefreshReason reason) {
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

[[nodiscard]] inline const char* to_string(RefreshOutcome outcome) {
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

class RefreshTally {
 public:
  static constexpr std::array reasons{RefreshReason::due, RefreshReason::missing, RefreshReason::rejected,
                                      RefreshReason::asked, RefreshReason::new_source};
  static constexpr std::array outcomes{RefreshOutcome::success, RefreshOutcome::temporary, RefreshOutcome::permanent,
                                       RefreshOutcome::stopped};

  // `took`: from the call to the provider to the end of the publication.
  void add(RefreshReason reason, RefreshOutcome outcome, Duration took) {
    ++counts_[static_cast<std::size_t>(reason)][static_cast<std::size_t>(outcome)];
    durations_[static_cast<std::size_t>(outcome)].add(took);
  }
  [[nodiscard]] std::uint64_t count(RefreshReason reason, RefreshOutcome outcome) const {
    return counts_[static_cast<std::size_t>(reason)][static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] const DurationTally& durations(RefreshOutcome outcome) const {
    return durations_[static_cast<std::size_t>(outcome)];
  }

 private:
  std::array<std::array<std::uint64_t, outcomes.size()>, reasons.size()> counts_{};
  std::array<DurationTally, outcomes.size()> durations_{};
};

}  // namespace jeton::agent
