// May the provider be called now? The count of fetches over a quorum: read from a majority, then written to a majority,
// both under the lock, before the call is made.
//
// Why the budget is never exceeded. An admission is given only after a majority has written its count while the lock
// there was the caller's. The next one reads from a majority while the lock there is its own; some server is in both,
// and there the write came before the read, because its lock went from the one to the other in between (a write that
// comes after that is refused). So it reads that count, or a higher one, and every admission counts one more than all
// before it. To count on each server by itself would not do: five servers of which a changing three are in reach would
// each reach a budget of 3 after five calls only.
//
// A crash or a lost answer between the two steps leaves at most a count too high; what a minority wrote may or may not
// be counted. Servers that lost their data forget their count: as long as they are a minority that was not the only one
// with it, nothing is lost.
#pragma once

#include <memory>
#include <string>

#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redlock/redlock_quorum.hpp"

namespace jeton::agent::redlock {

Task<Admission> admit(Quorum quorum, Subject subject, std::string owner, FetchLimits limits);
// The highest count of the servers that answer: every admission was counted on a majority.
Task<FetchUsage> usage(Quorum quorum, Subject subject);
// No server's count is less than this, as far as it can be asked; throws TransportError if no majority can.
Task<> restore_usage(Quorum quorum, Subject subject, FetchUsage usage, FetchLimits limits);

}  // namespace jeton::agent::redlock
