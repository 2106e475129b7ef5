// Several independent servers in memory, and coordinators on all of them, in virtual time. No two answers take the same
// time, so each seed has majorities of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/support/coordination_hosts.hpp"
#include "tests/support/memory_redis/memory_servers.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {

class QuorumServers : public MemoryServers {
 public:
  explicit QuorumServers(TestLoop& loop, std::size_t count = 5) : MemoryServers(loop, count) {
    network().set_latency(std::chrono::microseconds(100), std::chrono::milliseconds(1));
  }
  // One server each, whose clock is wrong by so many seconds.
  QuorumServers(TestLoop& loop, const std::vector<std::int64_t>& clocks) : QuorumServers(loop, clocks.size()) {
    for (std::size_t i = 0; i < clocks.size(); ++i) (*this)[i].set_clock_error(std::chrono::seconds(clocks[i]));
  }

  [[nodiscard]] agent::RedlockOptions options(agent::Duration timeout = patience) {
    agent::RedlockOptions options;
    for (std::size_t i = 0; i < size(); ++i) options.servers.push_back(connection(i, timeout));
    return options;
  }

  // The lock of these servers is another's, so that an acquisition has to do with the rest; of the others it is free.
  void hold_elsewhere(const Indices& to_another) const {
    for (std::size_t i = 0; i < size(); ++i) (*this)[i].cli({"DEL", updater_key});
    for (const std::size_t i : to_another) (*this)[i].cli({"SET", updater_key, "foreign", "PX", "3600000"});
  }
  void freeze(const Indices& which) const {
    for (const std::size_t i : which) (*this)[i].freeze();
  }
  void thaw(const Indices& which) const {
    for (const std::size_t i : which) (*this)[i].thaw();
  }
  // On how many servers the key has this value ("" for none).
  [[nodiscard]] std::size_t count(const std::string& key, const std::string& value) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < size(); ++i) found += (*this)[i].cli({"GET", key}) == value ? 1U : 0U;
    return found;
  }
};

class VirtualRedlock : public testing::Test {
 protected:
  static constexpr agent::Duration impatience = std::chrono::milliseconds(300);

  // Also what the slowest servers were asked; nothing is under way for longer than a millisecond.
  void let_all_arrive() { loop.pass(std::chrono::milliseconds(20)); }
  // On how many servers anything but nothing or "foreign" holds the lock.
  [[nodiscard]] std::size_t locked() const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const std::string holder = servers[i].cli({"GET", updater_key});
      if (!holder.empty() && holder != "foreign") ++found;
    }
    return found;
  }
  // A lease that every server has granted. A server may come too late to be counted, or still have the lock before it.
  agent::Lease hold_everywhere(RedlockHost& host) {
    std::optional<agent::Lease> held;
    EXPECT_TRUE(loop.eventually([&] {
      if (held) host.call.release(*held);
      held = host.call.acquire(std::chrono::hours(1));
      let_all_arrive();
      return servers.count(updater_key, held->owner) == servers.size();
    }));
    return *held;
  }
  // Also while an hour passes: nothing that was left behind takes it later.
  void expect_locks_stay_free() {
    EXPECT_TRUE(loop.eventually([&] { return locked() == 0; }));
    const bool taken = loop.turn_until([&] { return locked() > 0; }, std::chrono::hours(1));
    EXPECT_FALSE(taken);
  }

  VirtualLoop loop;
  QuorumServers servers{loop};
};

}  // namespace jeton::test
