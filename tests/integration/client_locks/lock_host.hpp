// One host's agent that allows every lock, and the fleet's Redis where the test wants one.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <jeton/client.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LockAgent {
 public:
  // No Redis: the locks of this host alone. Several: Redlock.
  explicit LockAgent(std::vector<const RedisServer*> servers) : agent_(settings(servers)) {
    agent_.write_config(agent_yaml(agent_.settings(), agent_.runtime_dir()) +
                        "locks:\n  \"*\": {max_ttl: 2h}\n  \"kept*\": {max_ttl: 2h, when_agent_stops: keep}\n");
    agent_.start();
  }
  // Rules: the lines under locks:, indented by 2.
  LockAgent(AgentSettings settings, const std::string& rules) : agent_(without_tokens(std::move(settings))) {
    agent_.write_config(agent_yaml(agent_.settings(), agent_.runtime_dir()) + "locks:\n" + rules);
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
  static AgentSettings settings(const std::vector<const RedisServer*>& servers) {
    AgentSettings settings;
    if (servers.size() == 1) settings.redis_url = servers.front()->tcp_url();
    if (servers.size() > 1) {
      for (const RedisServer* server : servers) settings.redlock_urls.push_back(server->tcp_url());
    }
    return without_tokens(std::move(settings));
  }
  static AgentSettings without_tokens(AgentSettings settings) {
    settings.token_url = "http://127.0.0.1:1/";  // nobody: no test needs a token
    return settings;
  }

  AgentProcess agent_;
};

// An application as a process of its own: worker_main.cpp.
[[nodiscard]] inline std::vector<std::string> worker(const LockAgent& agent, const std::string& ttl_ms,
                                                     std::vector<std::string> what) {
  std::vector<std::string> argv{JETON_LOCK_WORKER, agent.options().directory, "job", ttl_ms};
  argv.insert(argv.end(), what.begin(), what.end());
  return argv;
}

// The same behaviour on this host alone, through one Redis, and through three.
struct Locks : testing::TestWithParam<const char*> {
  Locks() {
    const std::string backend = GetParam();
    const std::size_t count = backend == "local" ? 0 : backend == "redis" ? 1 : 3;
    std::vector<const RedisServer*> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(servers.emplace_back(std::make_unique<RedisServer>()).get());
    agent.emplace(all);
  }
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", agent->process().log().c_str());
  }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return agent->lock(name, ttl);
  }

  std::vector<std::unique_ptr<RedisServer>> servers;
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
  LockAgent agent{{&redis}};
};

}  // namespace jeton::test
