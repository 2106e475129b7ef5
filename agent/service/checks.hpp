// Checks that may wait for something, made at the same time and together within a limit: one that hangs is a finding,
// and holds up neither the others nor their caller. One thread: the loop's.
#pragma once

#include <string>
#include <vector>

#include "agent/base/finding.hpp"
#include "agent/base/timers.hpp"

namespace jeton::agent {

struct Check {
  std::string subject;  // of the findings if it fails or does not end
  Task<Findings> work;  // may go on when its caller has ended: it touches nothing of the caller
};

// The findings in the order of the checks. `timers` outlives the checks.
Task<Findings> run_checks(Timers& timers, std::vector<Check> checks, Duration patience);

}  // namespace jeton::agent
