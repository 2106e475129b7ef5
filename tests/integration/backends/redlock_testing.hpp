// Several independent redis-servers, and coordinators on all of them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/fleet/redlock/redlock_backend.hpp"
#include "tests/integration/backends/coordination_testing.hpp"

namespace jeton::test {

class RedisServers {
 public:
  explicit RedisServers(std::size_t count = 5) {
    for (std::size_t i = 0; i < count; ++i) servers_.push_back(std::make_unique<RedisServer>());
  }

  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  RedisServer& operator[](std::size_t i) { return *servers_[i]; }
  const RedisServer& operator[](std::size_t i) const { return *servers_[i]; }

  void flush() const {
    for (const auto& server : servers_) server->flush();
  }

  // For tests whose servers all answer; others are given a shorter timeout.
  [[nodiscard]] agent::RedlockOptions options(agent::Duration timeout = patience) const {
    agent::RedlockOptions options;
    for (const auto& server : servers_) {
      options.servers.push_back(redis_options(*server).connection);
      options.servers.back().timeout = timeout;
    }
    return options;
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

  // A lease that every server has granted: each does what it is asked in the order of the questions.
  agent::Lease hold_everywhere(RedlockHost& host) {
    host.warm_up(servers.size());
    agent::Lease held = host.call.acquire(std::chrono::hours(1));
    EXPECT_TRUE(loop.eventually([&] { return servers.count(updater_key, held.owner) == servers.size(); }));
    return held;
  }

  Loop loop;
  RedisServers servers;
};

}  // namespace jeton::test
