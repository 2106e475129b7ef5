// Backend: what a coordinator or a lock store of a conformance suite is made on, by the name of the suite's parameter:
// this host, real servers, or servers in memory and virtual time.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/integration/backends/cluster_fixture.hpp"
#include "tests/integration/backends/redlock_testing.hpp"
#include "tests/support/memory_redis/memory_servers.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {

// Servers of this process, started when the first test needs them: a cluster takes a second. Nothing that a test
// left in them is there for the next one.
template <typename Servers>
[[nodiscard]] Servers& empty_servers() {
  static Servers servers;
  servers.flush();
  return servers;
}

class Backend {
 public:
  explicit Backend(std::string name) : name_(std::move(name)) {
    if (is_memory()) {
      loop_ = std::make_unique<VirtualLoop>();
    } else {
      loop_ = std::make_unique<Loop>();
    }
    if (name_ == "redis_unix" || name_ == "redis_tcp") server_ = &empty_servers<RedisServer>();
    if (name_ == "redis_cluster") cluster_ = &empty_servers<RedisCluster>();
    if (name_ == "redlock") servers_ = &empty_servers<RedisServers>();
    if (is_memory()) memory_.emplace(*loop_, is_redlock() ? 5 : 1);
  }

  [[nodiscard]] bool is_local() const { return name_ == "local"; }
  [[nodiscard]] bool is_redlock() const { return name_ == "redlock" || name_ == "memory_redlock"; }
  [[nodiscard]] bool is_memory() const { return name_.starts_with("memory_"); }

  [[nodiscard]] TestLoop& loop() const { return *loop_; }
  [[nodiscard]] const TempDir& dir() const { return dir_; }

  [[nodiscard]] agent::RedisOptions redis() {
    if (cluster_ != nullptr) return cluster_options(*loop_, *cluster_);
    agent::RedisOptions options;
    if (memory_) {
      options.connection = memory_->connection(0);
      return options;
    }
    options = redis_options(*server_);
    if (name_ == "redis_tcp") {
      options.connection.address.kind = agent::redis::Address::Kind::tcp;
      options.connection.address.host = "127.0.0.1";
      options.connection.address.port = server_->port();
      options.connection.database = 2;
    }
    return options;
  }

  [[nodiscard]] agent::RedlockOptions redlock() {
    if (!memory_) return servers_->options();
    agent::RedlockOptions options;
    for (std::size_t i = 0; i < memory_->size(); ++i) options.servers.push_back(memory_->connection(i));
    return options;
  }

 private:
  std::string name_;
  std::unique_ptr<TestLoop> loop_;
  TempDir dir_;
  RedisServer* server_ = nullptr;
  RedisCluster* cluster_ = nullptr;
  RedisServers* servers_ = nullptr;
  std::optional<MemoryServers> memory_;
};

}  // namespace jeton::test
