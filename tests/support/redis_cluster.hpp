// A Redis Cluster of the test's own: three primaries on free loopback ports that share the slots, and replicas where a
// test wants them. A dead node is noticed after two seconds; slots without a node do not stop the others.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace jeton::test {

class RedisCluster {
 public:
  RedisCluster() : RedisCluster(std::nullopt) {}
  // Returns when every node reports that the cluster is ok. `extra`: further arguments of every redis-server.
  explicit RedisCluster(std::optional<ServerTls> tls, std::vector<std::string> extra = {});

  [[nodiscard]] RedisServer& primary(std::size_t i) { return *nodes_.at(i); }
  [[nodiscard]] static constexpr std::size_t primaries() { return 3; }
  // Returns when it has its primary's data and every node knows it.
  RedisServer& add_replica(const RedisServer& of);

  // The primary that holds the key's slot now, according to a running node.
  [[nodiscard]] RedisServer& holder(const std::string& key);
  // A primary that holds none of the keys.
  [[nodiscard]] RedisServer& other_than(const std::vector<const RedisServer*>& not_these);

  void flush() const {
    for (std::size_t i = 0; i < primaries(); ++i) nodes_.at(i)->flush();
  }

  // Runs a command through a running node; follows redirections.
  std::string cli(const std::vector<std::string>& arguments);
  [[nodiscard]] std::string slot_of(const std::string& key) const;

  // The steps of a migration, as redis-cli --cluster reshard takes them.
  void begin_migration(const std::string& slot, const RedisServer& from, const RedisServer& to) const;
  void migrate_key(const std::string& key, const RedisServer& from, const RedisServer& to) const;
  void end_migration(const std::string& slot, const RedisServer& from, const RedisServer& to) const;
  void move_slot(const std::string& slot, const RedisServer& from, const RedisServer& to) const;

  [[nodiscard]] static std::string id(const RedisServer& node) { return node.cli({"CLUSTER", "MYID"}); }
  [[nodiscard]] std::string endpoints() const;  // a YAML list of the primaries

 private:
  RedisServer& add_node();
  void meet_all(const std::string& otherwise) const;  // joins the first one
  [[nodiscard]] bool knows(const RedisServer& node, std::size_t count) const;

  std::optional<ServerTls> tls_;
  std::vector<std::string> extra_;
  std::vector<std::unique_ptr<RedisServer>> nodes_;  // primaries first
};

}  // namespace jeton::test
