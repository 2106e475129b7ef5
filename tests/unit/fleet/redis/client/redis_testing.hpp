// Short words for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

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
