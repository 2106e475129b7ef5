// The ends of a record by both clocks of this host: neither a step of the wall clock nor a restart of the agent makes a
// token last longer than its lifetime in boot time, which counts suspend.
//
// Pure functions, any thread.
#pragma once

#include "agent/record/record.hpp"

namespace jeton::agent {

// Sets the boot time of each end of `record` that has none, and corrects by the wall clock an end that a step has moved
// behind that. `known`: the same generation as this host had it before, whose ends hold; may be null. A record
// of unknown age (it is dated in the future, and comes from another boot or another host) has expired.
void bind_to_boot_clock(Record& record, const Record* known, const Clock& clock);

// The same instants on another wall clock: `offset` is added to every time of it.
void shift_times(Record& record, Milliseconds offset);

}  // namespace jeton::agent
