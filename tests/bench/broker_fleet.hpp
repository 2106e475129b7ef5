// BrokerFleet: agents of one fleet on this machine, with one Redis, and the locks that applications take through them.
#pragma once

#include <chrono>
#include <jeton/client.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::bench {

class BrokerFleet {
 public:
  explicit BrokerFleet(std::size_t hosts) {
    test::AgentSettings settings;
    settings.redis_url = server_.unix_url();
    settings.token_url = "http://127.0.0.1:1/";  // no server listens: no token is needed
    settings.log_level = "error";
    for (std::size_t i = 0; i < hosts; ++i) {
      auto agent = std::make_unique<test::AgentProcess>(settings);
      agent->write_config(test::agent_yaml(settings, agent->runtime_dir()) + "locks:\n  \"*\": {max_ttl: 2h}\n");
      agent->start();
      agents_.push_back(std::move(agent));
    }
  }
  [[nodiscard]] const test::RedisServer& server() const { return server_; }
  [[nodiscard]] std::size_t hosts() const { return agents_.size(); }
  [[nodiscard]] pid_t pid(std::size_t host) const { return agents_.at(host)->pid(); }

  [[nodiscard]] Lock lock(const std::string& name, std::size_t host = 0) const {
    LockOptions options;
    options.ttl = std::chrono::minutes(1);
    options.directory = agents_.at(host)->runtime_dir();
    return Lock(name, options);
  }

 private:
  test::RedisServer server_;
  std::vector<std::unique_ptr<test::AgentProcess>> agents_;
};

}  // namespace jeton::bench
