// FleetLocks: hosts of one fleet on the servers that the parameter names: one Redis, or Redlock on three, each behind a
// proxy that can break.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/client_locks/lock_host.hpp"
#include "tests/support/lock_servers.hpp"

namespace jeton::test {

inline constexpr const char* every_lock = "  \"*\": {max_ttl: 2h}\n";

[[nodiscard]] inline AgentSettings agent_on(const LockServers& servers) {
  AgentSettings settings;
  if (servers.size() == 1) {
    settings.redis_url = servers.urls().front();
  } else {
    settings.redlock_urls = servers.urls();
  }
  return settings;
}

// Nobody has it, and it can be had.
[[nodiscard]] inline bool can_be_had(const LockAgent& agent, const std::string& name = "job") {
  Lock next = agent.lock(name);
  return eventually([&] { return next.acquire(seconds(1)).ok(); }) && next.unlock().ok();
}

// Every server has given this agent a lock: none is only on its way to be connected.
[[nodiscard]] inline bool reaches_all(const LockAgent& agent, const LockServers& servers) {
  const std::string name = "reach";
  return eventually([&] {
    Lock one = agent.lock(name);
    return one.acquire(seconds(1)).ok() &&
           eventually([&] { return servers.count(one.owner(), name) == servers.size(); }, seconds(1));
  });
}

struct FleetLocks : testing::TestWithParam<const char*> {
  FleetLocks() : servers(GetParam() == std::string("redis") ? 1 : 3), agent(agent_on(servers), every_lock) {
    EXPECT_TRUE(reaches_all(agent, servers)) << agent.process().log();
  }
  [[nodiscard]] Lock lock(const std::string& name = "job", milliseconds ttl = seconds(60)) const {
    return agent.lock(name, ttl);
  }
  // An agent of another host, which reaches the servers.
  [[nodiscard]] std::unique_ptr<LockAgent> other_host() const {
    auto other = std::make_unique<LockAgent>(agent_on(servers), every_lock);
    EXPECT_TRUE(reaches_all(*other, servers)) << other->process().log();
    return other;
  }
  // Takes it, however busy the machine is.
  [[nodiscard]] static bool take(Lock& lock) {
    return eventually([&] { return lock.acquire(seconds(1)).ok(); });
  }
  // Each server's counter of fences.
  [[nodiscard]] std::vector<std::string> counters() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < servers.size(); ++i)
      all.push_back(servers.cli_of(i, {"GET", servers.key() + ":fence"}));
    return all;
  }
  void TearDown() override {
    if (HasFailure()) std::fprintf(stderr, "--- agent log\n%s\n", agent.process().log().c_str());
  }

  LockServers servers;
  LockAgent agent;
};

}  // namespace jeton::test
