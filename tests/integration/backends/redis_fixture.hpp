// A redis-server and two hosts on it: a and b, each with connections, listener and owner ids of its own.
#pragma once

#include <string>

#include "tests/integration/backends/coordination_testing.hpp"

namespace jeton::test {

class RedisCoordination : public testing::Test {
 protected:
  static constexpr const char* updater = "jeton:{t}:updater";
  static constexpr const char* token = "jeton:{t}:token";
  static constexpr const char* fence = "jeton:{t}:fence";
  static constexpr const char* pause = "jeton:{t}:pause";
  static constexpr const char* budget = "jeton:{t}:budget";
  static constexpr const char* channel = "jeton:{t}:published";

  [[nodiscard]] std::string value() const { return server.cli({"GET", updater}); }
  [[nodiscard]] std::int64_t pttl(const char* key) const { return std::stoll(server.cli({"PTTL", key})); }
  [[nodiscard]] bool exists(const char* key) const { return server.cli({"EXISTS", key}) == "1"; }
  // Options of a host whose calls must all fail.
  [[nodiscard]] agent::RedisOptions unanswered() const {
    auto options = redis_options(server);
    options.connection.timeout = std::chrono::milliseconds(250);
    return options;
  }
  // So that the first call of a host is not one without a connection.
  [[nodiscard]] bool connects(Host& host) {
    return loop.turn_until([&] { return host.coordinator.health().reachable; });
  }

  Loop loop;
  RedisServer server;
  Host a{loop, redis_options(server)};
  Host b{loop, redis_options(server)};
};

}  // namespace jeton::test
