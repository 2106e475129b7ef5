// Cluster: the known map of a Redis Cluster, and a Client for each node that is used.
//
// The map of slots is learnt from any node that answers, known or configured: at the start, when a caller needs it
// again (a redirection, a node that is down; at a limited rate, so that a fleet that lost a node does not swamp the
// others), and periodically. Clients are made on demand and dropped when their node left the cluster. Shared by the
// runner and the resolver of the subscriber. One thread: the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/backoff.hpp"
#include "agent/base/event.hpp"
#include "agent/fleet/redis/client/client.hpp"
#include "agent/fleet/redis/client/cluster_map.hpp"

namespace jeton::agent::redis {

struct ClusterOptions {
  ConnectOptions connection;       // of every node; address and resolver are not used, database is 0
  std::vector<Address> endpoints;  // where to ask first, at least one
  Duration refresh_interval = std::chrono::seconds(60);  // jittered down to its half
};

class Cluster : public std::enable_shared_from_this<Cluster> {
 public:
  struct Node {
    Address address;
    std::shared_ptr<Client> client;
  };

  // Timers and random outlive the cluster and the tasks that it started.
  Cluster(Timers& timers, Random& random, ClusterOptions options);

  // Called after a node was connected and after the map changed. Before start().
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }
  void start();
  void stop();
  [[nodiscard]] bool stopped() const { return stopped_; }

  [[nodiscard]] const ClusterMap& map() const { return map_; }  // empty until it was learnt
  // Its client may not be connected yet.
  [[nodiscard]] Node node(const Address& address);
  void moved(std::uint16_t slot, const Address& to);
  void learn_soon();

  // True: a node was connected, the map was learnt or corrected, or all was stopped. False: the deadline passed.
  Task<bool> wait_change(BootTime deadline) { return changed_.wait_until(deadline); }

  [[nodiscard]] Timers& timers() { return timers_; }
  // A random duration, uniform between half of `duration` and the whole.
  [[nodiscard]] Duration jittered(Duration duration);
  [[nodiscard]] Duration timeout() const { return options_.connection.timeout; }
  [[nodiscard]] std::size_t random_below(std::size_t count);

  [[nodiscard]] bool any_connected() const;
  [[nodiscard]] std::string last_error() const;  // why the map is not known or no node is connected; else empty
  [[nodiscard]] std::string display() const;     // "cluster of 6 nodes via redis://10.0.0.1:6379"

 private:
  static Task<> run(std::shared_ptr<Cluster> self);
  Task<bool> learn();
  Task<bool> learn_from(Node node);
  void open_candidates();
  void adopt(ClusterMap map, const Address& learnt_from);
  void notify_change();
  [[nodiscard]] BootTime now() const { return timers_.clock().boot_now(); }

  Timers& timers_;
  Random& random_;
  ClusterOptions options_;
  std::function<void()> on_change_;
  ClusterMap map_;
  Address learnt_from_;
  std::map<std::string, Node> nodes_;  // by display()
  std::string learn_error_;
  Backoff pace_;
  Event changed_;
  Event wake_;
  bool wanted_ = false;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace jeton::agent::redis
