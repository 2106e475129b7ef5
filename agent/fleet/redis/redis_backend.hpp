// The redis backend: the coordinator and the lock store of an agent on one Redis server, the primary that Sentinels
// name, or a Cluster. Both use the connections of one RedisServer (redis_server.hpp).
//
// Data from Redis is not trusted: a malformed record or message is logged once and ignored. Design: agent/README.md,
// "The protocol in Redis".
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/fleet/redis/client/cluster.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

struct RedisOptions {
  redis::ConnectOptions connection;              // for messages, and for commands unless there is a runner
  std::shared_ptr<redis::CommandRunner> runner;  // of a Cluster; null: the server of `connection`
  std::shared_ptr<redis::Cluster> cluster;       // behind the runner, if it is one: its nodes report lost keys
  std::string prefix = "jeton";
  FleetCodec codec{};      // plain, or sealed
  int replicas_acked = 0;  // a lock counts only when so many replicas have it; a publication without them is logged
  Duration keepalive = redis::usual_keepalive;        // of the connection for messages
  Duration clock_interval = std::chrono::minutes(5);  // between two measurements of the clock offset
};

// Timers and random outlive both.
[[nodiscard]] Backends make_redis_backends(Timers& timers, Random& random, RedisOptions options);

}  // namespace jeton::agent
