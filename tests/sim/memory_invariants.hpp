// MemoryInvariants: what an agent keeps, here and on the servers, does not grow with time. Looks every few seconds at
// what can be counted exactly: timers, connections, subscriptions and keys. One thread: the loop's.
#pragma once

#include "tests/sim/most_work.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

class MemoryInvariants {
 public:
  explicit MemoryInvariants(World& world) : world_(world), looked_at_(world.now()) {}

  void each_turn();
  [[nodiscard]] const MostWork& most() const { return most_; }

 private:
  void look_at_host(std::size_t host);
  void look_at_server(std::size_t server);

  World& world_;
  BootTime looked_at_;
  MostWork most_;
};

}  // namespace jeton::sim
