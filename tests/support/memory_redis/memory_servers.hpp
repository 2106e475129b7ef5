// MemoryServers: several independent memory servers on one network, and the options to connect to each.
#pragma once

#include <string>
#include <vector>

#include "tests/support/memory_redis/memory_network.hpp"
#include "tests/support/test_loop.hpp"

namespace jeton::test {

class MemoryServers {
 public:
  MemoryServers(TestLoop& loop, std::size_t count, const std::string& password = {})
      : network_(loop.timers, loop.random) {
    for (std::size_t i = 0; i < count; ++i) servers_.push_back(network_.add_server(address(i), password));
  }

  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] MemoryServer& operator[](std::size_t i) const { return *servers_.at(i); }
  [[nodiscard]] std::shared_ptr<MemoryServer> shared(std::size_t i) const { return servers_.at(i); }
  [[nodiscard]] MemoryNetwork& network() { return network_; }

  [[nodiscard]] static agent::redis::Address address(std::size_t i) {
    agent::redis::Address address;
    address.host = "10.0.0." + std::to_string(i + 1);
    return address;
  }

  [[nodiscard]] agent::redis::ConnectOptions connection(std::size_t i, agent::Duration timeout = patience) {
    agent::redis::ConnectOptions options;
    options.address = address(i);
    options.client_name = "jeton-agent";
    options.timeout = timeout;
    options.connect = network_.connector();
    options.resolve = network_.resolver();
    return options;
  }

 private:
  MemoryNetwork network_;
  std::vector<std::shared_ptr<MemoryServer>> servers_;
};

}  // namespace jeton::test
