// The redlock backend: the coordinator and the lock store of an agent on N Redis servers that share nothing. It works
// as long as a majority of them answers, within the time of one answer: all are asked in parallel and no call waits for
// a minority. Both use the connections of one RedisServer for each server.
//
// The lock is Redlock with fences (redlock_lock.hpp), the record a quorum register with read repair
// (redlock_register.hpp), the count of fetches is read and written under the lock (redlock_fetches.hpp).
//
// Its conditions for the servers: that a restart loses nothing (appendonly yes, appendfsync always), or that a server
// which lost its data stays away for longer than a lock lives. A server that comes back empty at once may give the lock
// it has forgotten to a second owner, and if others of the majority did the same, there are two; the fences then
// show which is the later one, as long as a server that knows the last fence is among the majority of the next. Clocks
// of servers may differ: every time is converted with the offset of its server. They should not jump.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

struct RedlockOptions {
  // One a server. Their timeout bounds every question to that server; it should be small against a lock's TTL.
  std::vector<redis::ConnectOptions> servers;
  std::string prefix = "jeton";
  FleetCodec codec{};                                 // plain, or sealed
  Duration keepalive = redis::usual_keepalive;        // of the connection for messages
  Duration clock_interval = std::chrono::minutes(5);  // between two measurements of a clock offset
};

// Timers and random outlive both. Throws Error if there are less than three servers or one is given twice, in whatever
// database: it would have two votes. One that is given under two names is noticed when both are connected
// (redlock_quorum.cpp): the second connection is refused, and tried again until it is mended.
[[nodiscard]] Backends make_redlock_backends(Timers& timers, Random& random, const RedlockOptions& options);

}  // namespace jeton::agent
