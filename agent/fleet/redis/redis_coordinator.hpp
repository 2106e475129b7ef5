// RedisCoordinator: a Coordinator on one Redis server or Cluster (DESIGN.md section 5): connections for commands, one
// for messages, and this host's view of the server's clock.
//
// What comes out of Redis is not trusted to be well-formed: a record or message that is not is logged once and ignored.
#pragma once

#include <memory>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/coordinator.hpp"
#include "agent/fleet/redis/client/cluster.hpp"
#include "agent/fleet/redis/client/keyspace.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "agent/record/fleet_codec.hpp"

namespace jeton::agent {

struct RedisCoordinatorOptions {
  redis::ConnectOptions connection;           // for messages, and for commands unless there is a keyspace
  std::shared_ptr<redis::Keyspace> keyspace;  // of a Cluster; null: the server of `connection`
  std::shared_ptr<redis::Cluster> cluster;    // behind the keyspace, if it is one: its nodes tell about lost keys
  std::string prefix = "jeton";
  FleetCodec codec{};      // plain, or sealed
  int replicas_acked = 0;  // a lock counts only when so many replicas have it; a publication without them is logged
  Duration keepalive = std::chrono::seconds(15);      // between two PINGs on the quiet connection for messages
  Duration clock_interval = std::chrono::minutes(5);  // between two measurements of the clock offset
};

class RedisCoordinator final : public Coordinator {
 public:
  // Timers and random outlive the coordinator.
  RedisCoordinator(Timers& timers, Random& random, RedisCoordinatorOptions options);
  ~RedisCoordinator() override;

  Task<AcquireResult> try_acquire(const std::string& name, Duration ttl) override;
  Task<bool> renew(const std::string& name, Lease& lease) override;
  Task<> release(const std::string& name, const Lease& lease) override;
  Task<Admission> admit(const std::string& name, const Lease& lease, const FetchLimits& limits) override;
  Task<PublishResult> publish(const std::string& name, const Record& record, const Lease& lease) override;
  Task<std::optional<Record>> load(const std::string& name) override;
  Task<> pause(const std::string& name, Pause pause) override;
  Task<> resume(const std::string& name) override;
  Task<> announce_rejection(const std::string& name, Generation generation) override;
  Task<FetchUsage> usage(const std::string& name) override;

  Task<> restore_usage(const std::string& name, FetchUsage usage, Duration window) override;
  void configure(const std::string& name, const TokenTerms& terms) override;
  void prune_except(const std::set<std::string>& /*names*/) override {}  // nothing of a token is kept on this host
  void subscribe(const std::string& name, FleetListener* listener) override;

  [[nodiscard]] BackendHealth health() const override;
  void clock_stepped() override;
  void start() override;
  // If an acquisition was broken off a moment ago, its lock is still taken back first, within one command's time.
  void stop() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
