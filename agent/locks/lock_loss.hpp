// Texts that say why a lock is lost, for its holder, other clients and the log. They hold no secret: an owner id can
// release its lock, so they show only its beginning.
#pragma once

#include <optional>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/fleet/lock_store.hpp"

namespace jeton::agent {

// The present state of a lock that was lost, from the answer of the store.
[[nodiscard]] std::string found_instead(const LockView& found);

// The same for a lock that the store has just reported as taken. Asks the store, but not for long: the holder must
// hear of the loss. Throws nothing. Timers and store outlive the task.
[[nodiscard]] Task<std::string> ask_current_state(Timers& timers, LockStore& store, LockId id);

// The renewals that failed before a lock ran out.
struct MissedRenewal {
  std::string trouble{};               // why the last one did not reach the store; empty: none failed
  std::optional<BootTime> asked_at{};  // of one that the store has not answered
};
// At most some lines: the servers of a quorum may have one each.
[[nodiscard]] std::string short_trouble(const std::string& trouble);
[[nodiscard]] std::string why_not_renewed(const MissedRenewal& missed, const std::string& endpoint, BootTime now);

}  // namespace jeton::agent
