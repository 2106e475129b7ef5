// One host's agent that allows every lock, and the fleet's Redis where the test wants one.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <jeton/client.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LockAgent {
 public:
  // No Redis: the locks of this host alone.
  explicit LockAgent(const RedisServer* redis) : agent_(settings(redis)) {
    agent_.write_config(agent_yaml(agent_.settings(), agent_.runtime_dir()) + "locks:\n  \"*\": {max_ttl: 2h}\n");
    agent_.start();
  }
  [[nodiscard]] LockOptions options(milliseconds ttl = seconds(60)) const {
    LockOptions options;
    options.ttl = ttl;
    options.directory = agent_.runtime_dir();
    return options;
  }
  [[nodiscard]] Lock lock(const std::string& name, milliseconds ttl = seconds(60)) const {
    return Lock(name, options(ttl));
  }
  AgentProcess& process() { return agent_; }

 private:
  static AgentSettings settings(const RedisServer* redis) {
    AgentSettings settings;
    if (redis != nullptr) settings.redis_url = redis->tcp_url();
    settings.token_url = "http://127.0.0.1:1/";  // nobody: no test needs a token
    return settings;
  }

  AgentProcess agent_;
};

// The same behaviour on this host alone and through Redis.
struct Locks : testing::TestWithParam<const char*> {
  Locks() {
    if (std::string(GetParam()) == "redis") redis.emplace();
    agent.emplace(redis ? &*redis : nullptr);
  }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return agent->lock(name, ttl);
  }

  std::optional<RedisServer> redis;
  std::optional<LockAgent> agent;
};

// The lock in Redis itself.
struct RedisLocks : testing::Test {
  [[nodiscard]] static std::string key(const std::string& name = "job") { return "jeton:lock:{" + name + "}"; }
  [[nodiscard]] std::string value(const std::string& name = "job") const { return redis.cli({"GET", key(name)}); }
  [[nodiscard]] long pttl(const std::string& name = "job") const { return std::stol(redis.cli({"PTTL", key(name)})); }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return agent.lock(name, ttl);
  }

  RedisServer redis;
  LockAgent agent{&redis};
};

}  // namespace jeton::test
