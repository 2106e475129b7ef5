// The end times of a record by both clocks of this host: neither a step of the wall clock nor a restart of the agent
// makes a token last longer than its lifetime in boot time, which counts suspend.
//
// Pure functions, any thread.
#pragma once

#include "agent/record/record.hpp"

namespace jeton::agent {

// Sets the boot time of each end of `record` that has none. If a step has moved the wall-clock time of an end behind
// its boot time, corrects the wall-clock time. `known`: the record of the same generation that this host had before,
// whose end times hold; may be null. A record of unknown age (it is dated in the future, and comes from another boot or
// another host) has expired.
void bind_to_boot_clock(Record& record, const Record* known, const Clock& clock);

// Converts the record to another wall clock: adds `offset` to each of its times.
void shift_times(Record& record, Milliseconds offset);

}  // namespace jeton::agent
