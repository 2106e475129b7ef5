// A fetch that cancellation does not end. If the provider gives data only once (a rotated refresh token), the agent
// needs the answer even if it is stopped meanwhile. The transport's own deadlines limit the fetch.
#pragma once

#include "agent/base/timers.hpp"
#include "agent/provider/source.hpp"

namespace jeton::agent {

// Calls source.fetch(). When the caller is cancelled, the fetch goes on and `cancelled` is set; the caller then is no
// longer cancellable. `source` outlives the Task.
Task<FetchedToken> fetch_uncancellable(Timers& timers, Source& source, FetchContext context, bool& cancelled);

}  // namespace jeton::agent
