// A fetch that is not given up: where the provider gives something that it gives only once (a rotated refresh token),
// the answer must be had even if the agent is told to stop meanwhile. The transport's own deadlines bound it.
#pragma once

#include "agent/base/timers.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// As source.fetch(). When the caller is cancelled, the fetch goes on and `cancelled` is set; the caller then is no
// longer cancellable. `source` outlives the Task.
Task<FetchedToken> fetch_wholly(Timers& timers, Source& source, FetchContext context, bool& cancelled);

}  // namespace jeton::agent
