// A record that came from outside, brought to this host's clock; what cannot be one is refused before anybody counts
// with it.
#pragma once

#include "agent/token/record.hpp"

namespace jeton::agent {

// `offset`: the coordinator's clock minus ours. Throws Error (without content) if a time or the generation is out of
// the range that agents write.
[[nodiscard]] Record to_local_time(Record record, Milliseconds offset);

}  // namespace jeton::agent
