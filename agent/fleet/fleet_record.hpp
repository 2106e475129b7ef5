// Converts a record from outside to this host's clock. A record that cannot be valid is refused before any code
// calculates with its times.
#pragma once

#include "agent/record/record.hpp"

namespace jeton::agent {

// `offset`: the coordinator's clock minus ours; `now`: ours. Throws Error as check_record().
[[nodiscard]] Record to_local_time(Record record, Milliseconds offset, WallTime now);

}  // namespace jeton::agent
