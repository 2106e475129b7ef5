// ClusterWatch: reports that the keys of channels (subscriber.hpp) were written, deleted or flushed. It watches each
// key on the node of a Redis Cluster that holds it, because a node reports changes of its own keys only.
//
// It has one connection for each node in use, however many keys the node holds. It follows the map of slots: a key
// whose slot has moved, or whose node was replaced, is watched on its new node, and `gap` is called as after every
// connect. It subscribes to the channels on the same connection, so that a publication is always reported before the
// change of its key. One thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "agent/fleet/redis/client/cluster.hpp"
#include "agent/fleet/redis/client/subscriber.hpp"

namespace jeton::agent::redis {

class ClusterWatch {
 public:
  // Timers and random outlive it. `options`: of every node; address and resolver are not used. `callbacks.down` is not
  // called.
  ClusterWatch(Timers& timers, Random& random, std::shared_ptr<Cluster> cluster, ConnectOptions options,
               Subscriber::Callbacks callbacks, Duration keepalive);
  ~ClusterWatch();  // stops
  ClusterWatch(const ClusterWatch&) = delete;
  ClusterWatch& operator=(const ClusterWatch&) = delete;

  void start();
  void stop();  // no callback comes any more

  void subscribe(const std::string& channel, const std::string& key);
  void unsubscribe(const std::string& channel);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
