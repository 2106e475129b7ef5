// ClusterResolver: chooses any node of a Redis Cluster for a subscriber: all nodes deliver a message that is published
// on one of them.
//
// Each call returns another node, so a reconnect leaves the one that failed. A node that left the cluster, or was cut
// off from it, still answers but receives no messages: then another node is returned, unless that is no better.
#pragma once

#include <memory>
#include <optional>

#include "agent/fleet/redis/client/cluster.hpp"

namespace jeton::agent::redis {

class ClusterResolver final : public EndpointResolver {
 public:
  // One object serves one subscriber.
  explicit ClusterResolver(std::shared_ptr<Cluster> cluster) : cluster_(std::move(cluster)) {}

  Task<Address> resolve(BootTime deadline) override;
  [[nodiscard]] bool wants_primary() const override { return false; }
  [[nodiscard]] Duration recheck_interval() const override { return std::chrono::seconds(5); }
  Task<Address> recheck(Address current, BootTime deadline) override;

 private:
  // Whether the node reports that the cluster is down for it; none: it did not report.
  Task<std::optional<bool>> is_cut_off(Address node, BootTime deadline);
  [[nodiscard]] std::optional<Address> another() const;

  std::shared_ptr<Cluster> cluster_;
  std::optional<Address> current_;
  std::optional<Address> better_;  // a node that was well when the current one was not
};

}  // namespace jeton::agent::redis
