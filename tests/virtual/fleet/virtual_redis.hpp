// A Redis in memory and two hosts on it, a and b, in virtual time.
#pragma once

#include <string>
#include <vector>

#include "tests/support/coordination_hosts.hpp"
#include "tests/support/memory_redis/memory_servers.hpp"
#include "tests/support/virtual_loop.hpp"

namespace jeton::test {

class VirtualRedis : public testing::Test {
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
  [[nodiscard]] agent::RedisOptions options(agent::Duration timeout = patience) {
    agent::RedisOptions options;
    options.connection = servers.connection(0, timeout);
    return options;
  }
  // A host whose commands do not wait for long.
  [[nodiscard]] agent::RedisOptions impatient() { return options(std::chrono::milliseconds(250)); }

  VirtualLoop loop;
  MemoryServers servers{loop, 1};
  MemoryServer& server = servers[0];
  Host a{loop, options()};
  Host b{loop, options()};
};

}  // namespace jeton::test
