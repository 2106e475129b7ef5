// Several independent redis-servers, and coordinators on all of them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/coordination/redlock_coordinator.hpp"
#include "tests/integration/coordination/coordination_testing.hpp"

namespace jeton::test {

class RedisServers {
 public:
  explicit RedisServers(std::size_t count = 5) {
    for (std::size_t i = 0; i < count; ++i) servers_.push_back(std::make_unique<RedisServer>());
  }
  // One server each, whose clock is wrong by so many seconds.
  explicit RedisServers(const std::vector<std::int64_t>& clocks) {
    for (const std::int64_t wrong_by : clocks) {
      servers_.push_back(wrong_by == 0
                             ? std::make_unique<RedisServer>()
                             : std::make_unique<RedisServer>(std::vector<std::string>{}, wrong_clock(wrong_by)));
    }
  }

  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  RedisServer& operator[](std::size_t i) { return *servers_[i]; }
  const RedisServer& operator[](std::size_t i) const { return *servers_[i]; }

  // For tests whose servers all answer; others are given a shorter timeout.
  [[nodiscard]] agent::RedlockCoordinatorOptions options(agent::Duration timeout = patience) const {
    agent::RedlockCoordinatorOptions options;
    for (const auto& server : servers_) {
      options.servers.push_back(redis_options(*server).connection);
      options.servers.back().timeout = timeout;
    }
    return options;
  }

  // The lock of these servers is another's, so that an acquisition has to do with the rest; of the others it is free.
  void lend(const Indices& to_another) const {
    for (const auto& server : servers_) server->cli({"DEL", updater_key});
    for (const std::size_t i : to_another) servers_[i]->cli({"SET", updater_key, "foreign", "PX", "3600000"});
  }
  void signal(const Indices& which, int number) const {
    for (const std::size_t i : which) servers_[i]->signal(number);
  }
  // On how many servers the key has this value ("" for none).
  [[nodiscard]] std::size_t count(const std::string& key, const std::string& value) const {
    std::size_t found = 0;
    for (const auto& server : servers_) found += server->cli({"GET", key}) == value ? 1 : 0;
    return found;
  }

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
};

// Accepts connections, in the kernel's queue, and never says anything.
class BlackHole {
 public:
  BlackHole();
  ~BlackHole() { ::close(fd_); }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  [[nodiscard]] agent::redis::Address address() const {
    agent::redis::Address address;
    address.host = "127.0.0.1";
    address.port = port_;
    return address;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

inline BlackHole::BlackHole() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 128) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no black hole");
  }
  port_ = ntohs(address.sin_port);
}

class Redlock : public testing::Test {
 protected:
  static constexpr agent::Duration impatience = std::chrono::milliseconds(300);

  // Like Loop::turn_until, for a condition that asks redis-cli and holds up the loop meanwhile.
  bool settles(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      loop.turn_until([] { return false; }, std::chrono::milliseconds(20));
    }
    return true;
  }
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
    EXPECT_TRUE(settles([&] {
      if (held) host.call.release(*held);
      held = host.call.acquire_eventually(std::chrono::hours(1));
      loop.turn_until([] { return false; }, std::chrono::milliseconds(20));
      return servers.count(updater_key, held->owner) == servers.size();
    }));
    return *held;
  }
  // Stays so while we look.
  void expect_locks_stay_free() {
    EXPECT_TRUE(settles([&] { return locked() == 0; }));
    loop.turn_until([] { return false; }, std::chrono::milliseconds(300));
    EXPECT_EQ(locked(), 0U);
  }

  Loop loop;
  RedisServers servers;
};

}  // namespace jeton::test
