// Helpers of the coordination tests on real servers.
#pragma once

#include "tests/support/coordination_hosts.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/redis_server.hpp"

namespace jeton::test {

[[nodiscard]] inline agent::RedisOptions redis_options(const RedisServer& server) {
  agent::RedisOptions options;
  options.connection.address.kind = agent::redis::Address::Kind::unix_socket;
  options.connection.address.path = server.socket();
  options.connection.client_name = "jeton-agent";
  options.connection.timeout = patience;  // tests about deadlines set their own
  return options;
}

}  // namespace jeton::test
