// LockFleet: hosts in virtual time (lock_host.hpp) and the servers that their locks are in: this host's own files,
// one Redis, or Redlock on five; the servers in memory. Every host reaches every server by an address of its own, so
// that a fault can be of one host, of one server, or of all.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/fleet/local/local_backend.hpp"
#include "agent/fleet/redis/redis_backend.hpp"
#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/support/memory_redis/memory_network.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/virtual/locks/lock_host.hpp"

namespace jeton::test {

class LockFleet {
 public:
  using Fault = MemoryNetwork::Fault;

  // The time limit for one answer of a server.
  static constexpr Duration timeout = 500ms;

  explicit LockFleet(std::string backend) : backend_(std::move(backend)) {
    network.set_latency(50us, 400us);
    rules["*"].pattern = "*";
    const std::size_t count = is_local() ? 0 : is_redlock() ? 5 : 1;
    for (std::size_t i = 0; i < count; ++i) servers_.push_back(network.add_server(address(0, i)));
  }

  [[nodiscard]] bool is_local() const { return backend_ == "local"; }
  [[nodiscard]] bool is_redlock() const { return backend_ == "redlock"; }

  // Returns when it is connected to every server.
  LockHost& add_host() {
    const std::size_t number = hosts_.size() + 1;
    for (std::size_t i = 0; i < size(); ++i) network.point(address(number, i), servers_[i]);
    hosts_.push_back(std::make_unique<LockHost>(loop, make_store(number), rules, "host-" + std::to_string(number)));
    loop.pass(100ms);
    return *hosts_.back();
  }

  // Servers.
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] std::size_t majority() const { return size() / 2 + 1; }
  [[nodiscard]] MemoryServer& operator[](std::size_t i) const { return *servers_.at(i); }
  [[nodiscard]] std::uint64_t commands() const {
    std::uint64_t all = 0;
    for (const auto& server : servers_) all += server->commands();
    return all;
  }
  // Until nothing is under way: a majority did not wait for the slower servers, and a host looks once more when its
  // subscriptions are confirmed. No server gets a command for longer than a quorum collects the gaps of its servers
  // (5 ms, quorum_notifications.cpp) and a message takes both ways. It takes 20 ms, so a tenure has room for some.
  void settle() {
    std::uint64_t before = 0;
    do {
      before = commands();
      loop.pass(10ms);
    } while (commands() != before);
  }
  using Words = MemoryServer::Words;
  void cli(const Words& command) const { cli_of(size(), command); }
  void cli_of_majority(const Words& command) const { cli_of(majority(), command); }
  void kill_majority() const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->kill();
  }
  // With nothing in them.
  void restart_majority() const {
    for (std::size_t i = 0; i < majority(); ++i) servers_[i]->restart();
  }
  // Sets the fault between the named host and server; without a name, of all of them.
  void set_fault(Fault fault, std::optional<std::size_t> host = {}, std::optional<std::size_t> server = {}) {
    for (std::size_t h = 0; h < hosts_.size(); ++h) {
      for (std::size_t i = 0; i < size(); ++i) {
        if (host.value_or(h) == h && server.value_or(i) == i) network.set_fault(address(h + 1, i), fault);
      }
    }
  }

  // The lock on the servers.
  [[nodiscard]] static std::string key(const std::string& name = "job") { return "jeton:lock:{" + name + "}"; }
  // On how many it is the value of the lock; "": nothing is.
  [[nodiscard]] std::size_t count(const std::string& value) const {
    return static_cast<std::size_t>(std::count_if(servers_.begin(), servers_.end(), [&](const auto& server) {
      return server->cli({"GET", key()}) == value;
    }));
  }
  [[nodiscard]] bool nowhere() const { return count("") == size(); }
  // The value that a majority has; empty if there is none.
  [[nodiscard]] std::string value() const {
    std::map<std::string, std::size_t> votes;
    for (const auto& server : servers_) {
      std::string value = server->cli({"GET", key()});
      if (++votes[value] == majority()) return value;
    }
    return {};
  }
  // Milliseconds that a majority has at least; negative: the key has no end, or is not there.
  [[nodiscard]] long pttl() const {
    std::vector<long> all;
    for (const auto& server : servers_) all.push_back(std::stol(server->cli({"PTTL", key()})));
    std::sort(all.begin(), all.end());
    return all[size() - majority()];
  }
  // Each server's counter of fences.
  [[nodiscard]] std::vector<std::string> counters() const {
    std::vector<std::string> all;
    for (const auto& server : servers_) all.push_back(server->cli({"GET", key() + ":fence"}));
    return all;
  }

  [[nodiscard]] std::unique_ptr<agent::LockStore> make_store(std::size_t host) {
    if (is_local()) return agent::make_local_lock_store(loop.timers, dir_ / "locks");
    agent::RedlockOptions quorum;
    for (std::size_t i = 0; i < size(); ++i) quorum.servers.push_back(connection(address(host, i)));
    if (is_redlock()) return agent::make_redlock_backends(loop.timers, loop.random, quorum).locks;
    agent::RedisOptions single;
    single.connection = quorum.servers.front();
    return agent::make_redis_backends(loop.timers, loop.random, std::move(single)).locks;
  }
  [[nodiscard]] static agent::redis::Address address(std::size_t host, std::size_t server) {
    agent::redis::Address address;
    address.host = "10.0." + std::to_string(host) + "." + std::to_string(server + 1);
    return address;
  }
  [[nodiscard]] agent::redis::ConnectOptions connection(const agent::redis::Address& to) {
    agent::redis::ConnectOptions options;
    options.address = to;
    options.client_name = "jeton-agent";
    options.timeout = timeout;
    options.connect = network.connector();
    options.resolve = network.resolver();
    return options;
  }

  VirtualLoop loop;
  MemoryNetwork network{loop.timers, loop.random};
  agent::LockRules rules;  // of hosts that are added from now on

 private:
  void cli_of(std::size_t count, const Words& command) const {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string answer = servers_[i]->cli(command);
      if (answer.starts_with("ERR")) throw std::logic_error(command.front() + ": " + answer);
    }
  }

  std::string backend_;
  TempDir dir_;
  std::vector<std::shared_ptr<MemoryServer>> servers_;
  std::vector<std::unique_ptr<LockHost>> hosts_;
};

// One host, and more where the test adds them.
class FleetTest : public testing::TestWithParam<const char*> {
 protected:
  void free_again(LockHost& by) {
    EXPECT_TRUE(loop.turn_until([&] { return fleet.nowhere(); }));
    const Session next = by.take({.wait = 10s});
    ASSERT_EQ(next->state(), State::held) << next->reason();
    EXPECT_EQ(by.end(next), State::ended);
  }

  LockFleet fleet{GetParam()};
  VirtualLoop& loop = fleet.loop;
  LockHost& host = fleet.add_host();
};

inline std::string backend_name(const testing::TestParamInfo<const char*>& backend) { return backend.param; }

// The claims that hold on every backend, and those that need servers.
class AnyLock : public FleetTest {};
class FleetLock : public FleetTest {};

}  // namespace jeton::test
