// The two uses of a Cluster. ClusterRunner: a CommandRunner over its nodes. Each command goes to the primary that holds
// the slot of its key, and follows MOVED and ASK.
//
// A command that a node refused temporarily (TRYAGAIN, CLUSTERDOWN, LOADING, MASTERDOWN), or that no node has received,
// is tried again until the deadline. A command that was sent and not answered is not tried again, because it may have
// run; the caller must find that out.
//
// ClusterResolver: chooses any node for a subscriber: all nodes deliver a message that is published on one of them.
// Each call returns another node, so a reconnect leaves the one that failed. A node that left the cluster, or was cut
// off from it, still answers but receives no messages: then another node is returned, unless that is no better.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "agent/fleet/redis/client/cluster.hpp"

namespace jeton::agent::redis {

class ClusterRunner final : public CommandRunner {
 public:
  // Starts and stops the cluster.
  explicit ClusterRunner(std::shared_ptr<Cluster> cluster) : cluster_(std::move(cluster)) {}
  ~ClusterRunner() override { cluster_->stop(); }

  // The callback also runs when the map of slots changed: the node that keeps the fleet's time may be another.
  void on_connected(std::function<void()> callback) override { cluster_->on_change(std::move(callback)); }
  void start() override { cluster_->start(); }
  void stop() override { cluster_->stop(); }

  Task<Reply> command(std::string_view key, Command command, BootTime deadline) override;
  Task<Reply> run(const Script& script, std::span<const std::string> keys, std::span<const std::string_view> arguments,
                  BootTime deadline) override;

  // The map is known and a node answers; a single slot may still be out of reach.
  [[nodiscard]] bool is_connected() const override { return !cluster_->map().empty() && cluster_->any_connected(); }
  [[nodiscard]] std::string last_error() const override { return cluster_->last_error(); }
  [[nodiscard]] std::string display() const override { return cluster_->display(); }

 private:
  std::shared_ptr<Cluster> cluster_;
};

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
