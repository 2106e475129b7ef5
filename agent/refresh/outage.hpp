// Outage: whether the coordinator can be reached, and when it is asked again.
//
// A success ends the outage only if it is of the step that failed or of a later step. A server that can be read, and
// stores or ends a pause, may still refuse the lock; a server that grants the lock may still refuse an admission again
// and again. State without I/O; one thread: the loop's.
#pragma once

#include <optional>
#include <string>

#include "agent/base/backoff.hpp"
#include "agent/base/timers.hpp"
#include "agent/refresh/refresh_journal.hpp"

namespace jeton::agent {

class Outage {
 public:
  enum class Step { load, maintenance, lock, admit, publish };

  // All outlive the object.
  Outage(const Clock& clock, Random& random, RefreshJournal& journal);

  void answered(Step step);
  // `doing`: "take the updater lock".
  void failed(Step step, const std::string& doing, const TransportError& failure);
  // Another host could publish: the outage of this host may end before it has published itself.
  void other_host_published() { failing_step_ = Step::load; }

  // The beginning of the outage; empty: there is none.
  [[nodiscard]] std::optional<BootTime> since() const { return since_; }
  // The coordinator is not asked before then.
  [[nodiscard]] BootTime retry_at() const { return retry_at_; }

 private:
  const Clock& clock_;
  RefreshJournal& journal_;
  Backoff backoff_;
  std::optional<BootTime> since_;
  Step failing_step_ = Step::load;  // the furthest one that failed since then
  BootTime retry_at_{};
};

}  // namespace jeton::agent
