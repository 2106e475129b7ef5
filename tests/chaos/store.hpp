// What the agents agree by: the servers of a backend, the proxies on the ways to them, and sentinels. Of one server or
// a quorum each host has ways of its own. Servers that name each other, to agents too, are named by a proxy in front of
// each. All calls from the main thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/chaos/plan.hpp"
#include "tests/support/agent_process.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_proxy.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/sentinel_deployment.hpp"

namespace jeton::chaos {

class Store {
 public:
  explicit Store(const Shape& shape);

  // Sets the store's part of the settings of this host's agent.
  void configure(test::AgentSettings& settings, std::size_t host) const;

  [[nodiscard]] test::RedisServer& server(std::size_t i) { return *servers_[i]; }
  [[nodiscard]] test::RedisProxy& link(std::size_t i) { return *links_[i]; }
  // A server that was killed comes back without its data: as a replica, if another is the primary by now.
  void restart(std::size_t server);
  void pause_sentinel(std::size_t i, bool paused);
  // No replica gets anything meanwhile, while all else is well.
  void hold_replication(bool held);

  // The groups of servers that have the same data, the first of each its primary; and the group of each thing.
  [[nodiscard]] nlohmann::json groups() const;
  // When a server became a primary or a replica.
  [[nodiscard]] std::string history() const;
  // A line for each key of each primary, with its remaining time. All servers must be running.
  [[nodiscard]] std::string history_of_keys() const;
  void save_logs(const std::filesystem::path& directory) const;

 private:
  void make_sentinels();
  void make_cluster();
  [[nodiscard]] std::size_t primary_by_sentinels();
  void restart_with_role(std::size_t server, const std::vector<std::string>& arguments);

  const Shape& shape_;
  std::vector<std::unique_ptr<test::RedisServer>> own_servers_;
  std::vector<std::unique_ptr<test::RedisProxy>> links_;  // before those who are named by them
  std::unique_ptr<test::SentinelDeployment> sentinels_;
  std::unique_ptr<test::RedisCluster> cluster_;
  std::vector<test::RedisServer*> servers_;
  std::vector<bool> paused_ = std::vector<bool>(test::SentinelDeployment::count);
  std::size_t last_primary_ = 0;
  std::string restarts_;  // lines of the history
};

}  // namespace jeton::chaos
