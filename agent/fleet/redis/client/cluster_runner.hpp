// ClusterRunner: a CommandRunner over the nodes of a Redis Cluster. Each command goes to the primary that holds the
// slot of its key, and follows MOVED and ASK.
//
// A command that a node refused temporarily (TRYAGAIN, CLUSTERDOWN, LOADING, MASTERDOWN), or that no node has received,
// is tried again until the deadline. A command that was sent and not answered is not tried again, because it may have
// run; the caller must find that out.
#pragma once

#include <memory>

#include "agent/fleet/redis/client/cluster.hpp"
#include "agent/fleet/redis/client/command_runner.hpp"

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

}  // namespace jeton::agent::redis
