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

[[nodiscard]] constexpr const char* to_string(RefreshReason reason) {
  constexpr std::array names{"due", "missing", "rejected", "asked", "source_changed"};
  return names.at(static_cast<std::size_t>(reason));
}
[[nodiscard]] constexpr const char* to_string(RefreshOutcome outcome) {
  constexpr std::array names{"success", "temporary", "permanent", "stopped"};
  return names.at(static_cast<std::size_t>(outcome));
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
