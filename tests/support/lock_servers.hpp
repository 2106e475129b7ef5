// LockServers: the servers that the locks of a test's fleet are in: one Redis, or as many as Redlock asks, each behind
// a RedisProxy. All of them have to do what is asked of each; what is asked of a lock is what a majority has.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_proxy.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

class LockServers {
 public:
  explicit LockServers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      servers_.push_back(std::make_unique<RedisServer>());
      proxies_.push_back(std::make_unique<RedisProxy>(servers_.back()->port()));
    }
  }

  [[nodiscard]] static std::string key(const std::string& name = "job") { return "jeton:lock:{" + name + "}"; }

  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] std::size_t majority() const { return size() / 2 + 1; }
  RedisServer& operator[](std::size_t i) { return *servers_[i]; }
  [[nodiscard]] std::string socket(std::size_t i) const { return servers_[i]->socket(); }
  [[nodiscard]] RedisProxy& proxy(std::size_t i) const { return *proxies_[i]; }
  // For agents: through the proxies.
  [[nodiscard]] std::vector<std::string> urls() const {
    std::vector<std::string> urls;
    for (const auto& proxy : proxies_) urls.push_back(proxy->url());
    return urls;
  }

  void set(RedisProxy::Way way) const {
    for (const auto& proxy : proxies_) proxy->set(way);
  }
  void cli(const std::vector<std::string>& command) const {
    for (const auto& server : servers_) server->cli(command);
  }
  std::string cli_of(std::size_t i, const std::vector<std::string>& command) const { return servers_[i]->cli(command); }
  void cli_of_majority(const std::vector<std::string>& command) const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->cli(command);
  }
  void signal_majority(int number) const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->signal(number);
  }
  void kill_majority() const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->kill();
  }
  // With nothing in them.
  void restart_majority() const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->restart();
  }

  // On how many servers it is the value of the lock; "": nothing is.
  [[nodiscard]] std::size_t count(const std::string& value, const std::string& name = "job") const {
    return static_cast<std::size_t>(std::count_if(servers_.begin(), servers_.end(), [&](const auto& server) {
      return server->cli({"GET", key(name)}) == value;
    }));
  }
  [[nodiscard]] bool nowhere(const std::string& name = "job") const { return count("", name) == size(); }
  // The value that a majority has; empty if there is none.
  [[nodiscard]] std::string value(const std::string& name = "job") const {
    std::map<std::string, std::size_t> votes;
    for (const auto& server : servers_) {
      const std::string value = server->cli({"GET", key(name)});
      if (++votes[value] == majority()) return value;
    }
    return {};
  }
  // Time to live in milliseconds that a majority has at least; negative: the key has none, or is not there.
  [[nodiscard]] long pttl(const std::string& name = "job") const {
    std::vector<long> all;
    for (const auto& server : servers_) all.push_back(std::stol(server->cli({"PTTL", key(name)})));
    std::sort(all.begin(), all.end());
    return all[size() - majority()];
  }

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<RedisProxy>> proxies_;
};

// What the servers themselves do from now on, seen by redis-cli MONITOR.
class RenewalWatch {
 public:
  explicit RenewalWatch(const LockServers& servers) {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      monitors_.push_back(
          std::make_unique<Process>(std::vector<std::string>{redis_cli_program(), "-s", servers.socket(i), "MONITOR"}));
      const Process& monitor = *monitors_.back();
      if (!eventually([&] { return monitor.out().starts_with("OK"); })) throw std::runtime_error("no MONITOR");
    }
  }
  // How often a server has set the time to live of the lock anew.
  [[nodiscard]] std::size_t count(const std::string& name = "job") const {
    const std::string command = "\"PEXPIRE\" \"" + LockServers::key(name) + "\"";
    std::size_t found = 0;
    for (const auto& monitor : monitors_) {
      const std::string seen = monitor->out();
      for (auto at = seen.find(command); at != std::string::npos; at = seen.find(command, at + 1)) ++found;
    }
    return found;
  }

 private:
  std::vector<std::unique_ptr<Process>> monitors_;
};

}  // namespace jeton::test
