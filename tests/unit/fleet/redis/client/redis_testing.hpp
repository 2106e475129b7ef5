// Short words for the tests of this folder.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/fleet/redis/client/client.hpp"
#include "tests/support/loop.hpp"

namespace jeton::test {

[[nodiscard]] inline agent::redis::ConnectOptions tcp_options(std::uint16_t port) {
  agent::redis::ConnectOptions options;
  options.address.host = "127.0.0.1";
  options.address.port = port;
  options.timeout = patience;
  return options;
}

[[nodiscard]] inline agent::redis::ConnectOptions unix_options(const std::string& path) {
  agent::redis::ConnectOptions options;
  options.address.kind = agent::redis::Address::Kind::unix_socket;
  options.address.path = path;
  options.timeout = patience;
  return options;
}

[[nodiscard]] inline agent::BootTime soon(const Loop& loop, agent::Duration duration = patience) {
  return loop.clock.boot_now() + duration;
}

// How long the kernel keeps a connection whose peer is gone.
struct KernelPatience {
  std::chrono::seconds while_quiet{0};     // since the peer was heard; zero: for ever
  std::chrono::milliseconds for_bytes{0};  // that the peer does not acknowledge, and in any case
};

// Of the connection of this process to a port of this machine; none: there is no such connection.
[[nodiscard]] inline std::optional<KernelPatience> kernel_patience(std::uint16_t port) {
  const auto option = [](int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
    return value;
  };
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != port) continue;
    KernelPatience found;
    if (option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0) {
      found.while_quiet =
          std::chrono::seconds(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
                               option(fd, IPPROTO_TCP, TCP_KEEPCNT) * option(fd, IPPROTO_TCP, TCP_KEEPINTVL));
    }
    found.for_bytes = std::chrono::milliseconds(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
    return found;
  }
  return std::nullopt;
}

// systemd/README.md, "the way to Redis is gone".
inline void expect_gone_peer_is_noticed_in_time(std::uint16_t port) {
  const std::optional<KernelPatience> kernel = kernel_patience(port);
  ASSERT_TRUE(kernel);
  EXPECT_GT(kernel->while_quiet.count(), 0);
  EXPECT_LE(kernel->while_quiet, std::chrono::seconds(15));
  EXPECT_GT(kernel->for_bytes.count(), 0);
  EXPECT_LE(kernel->for_bytes, std::chrono::seconds(15));
}

// Runs one command; the deadline is generous unless the test is about it.
[[nodiscard]] inline agent::redis::Reply ask(Loop& loop, agent::redis::Client& client, agent::redis::Command command,
                                             agent::Duration limit = patience) {
  return loop.run(client.command("", std::move(command), soon(loop, limit)));
}

// The message of the TransportError that a command ends with. A deadline that is about something else begins when the
// connection is there, or the reason why it is not.
[[nodiscard]] inline std::string failure_of(Loop& loop, agent::redis::CommandRunner& runner,
                                            agent::redis::Command command, agent::Duration limit) {
  EXPECT_TRUE(loop.turn_until(
      [&] { return runner.is_connected() || runner.last_error().find("not connected yet") == std::string::npos; }));
  try {
    static_cast<void>(loop.run(runner.command("x", std::move(command), soon(loop, limit))));
  } catch (const agent::TransportError& e) {
    return e.what();
  }
  ADD_FAILURE() << "the command succeeded";
  return {};
}

}  // namespace jeton::test
