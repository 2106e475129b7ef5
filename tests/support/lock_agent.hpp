// LockAgent: a real agent that has rules about locks and no tokens, for tests of jetonctl and libjeton; and the servers
// of the backend that a test names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/agent_process.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

// The section "coordination:". No server: this host only; several: Redlock. A server of a busy machine may answer late,
// and clients wait five seconds for the agent's answer.
[[nodiscard]] inline std::string coordination_on(const std::vector<std::string>& urls,
                                                 const std::string& timeout = "4s") {
  if (urls.empty()) return "coordination: {backend: local}\n";
  std::string list;
  for (const std::string& url : urls) list += (list.empty() ? "'" : ", '") + url + "'";
  if (urls.size() > 1) {
    return "coordination:\n  backend: redlock\n  redlock: {timeout: " + timeout + ", endpoints: [" + list + "]}\n";
  }
  return "coordination:\n  backend: redis\n  redis: {endpoint: " + list + ", timeout: " + timeout + "}\n";
}
[[nodiscard]] inline std::string on_redis(const RedisServer& server) { return coordination_on({server.unix_url()}); }

class LockAgent {
 public:
  // `rules`: the section "locks:".
  LockAgent(std::string coordination, const std::string& rules, ProcessOptions options = {})
      : coordination_(std::move(coordination)), agent_(AgentSettings{}, std::move(options)) {
    configure(rules);
    agent_.start();
  }

  void configure(const std::string& rules, const std::string& agent_extra = "") const {
    agent_.write_config("version: 1\nagent:\n  runtime_dir: " + agent_.runtime_dir().string() +
                        "\n  log: {level: debug, format: text}\n" + agent_extra + coordination_ + rules);
  }

  AgentProcess& agent() { return agent_; }
  [[nodiscard]] std::filesystem::path runtime_dir() const { return agent_.runtime_dir(); }

 private:
  std::string coordination_;
  AgentProcess agent_;
};

// The servers of "local", "redis" or "redlock".
class LockBackend {
 public:
  explicit LockBackend(const std::string& name) {
    const std::size_t count = name == "local" ? 0 : name == "redis" ? 1 : 3;
    for (std::size_t i = 0; i < count; ++i) servers_.push_back(std::make_unique<RedisServer>());
  }
  [[nodiscard]] std::string coordination() const {
    std::vector<std::string> urls;
    for (const auto& server : servers_) urls.push_back(server->tcp_url());
    return coordination_on(urls);
  }

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
};

}  // namespace jeton::test
