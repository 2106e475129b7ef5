// A record that came from outside, brought to this host's clock; what cannot be one is refused before anybody counts
// with it.
#pragma once

#include "agent/record/record.hpp"

namespace jeton::agent {

// `offset`: the coordinator's clock minus ours; `now`: ours. Throws Error as check_record().
[[nodiscard]] Record to_local_time(Record record, Milliseconds offset, WallTime now);

}  // namespace jeton::agent
