// LockInvariants: what the holders of one lock of applications can rely on (libclient/README.md, "Locks"). Hears of
// each grant, and looks at who believes in the lock. One thread: the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/sim/world.hpp"

namespace jeton::sim {

// A lock that a client has been told it holds.
struct Belief {
  std::string user;
  std::size_t host = 0;
  std::uint64_t fence = 0;
  BootTime since{};
  BootTime until{};        // the guaranteed time, by the world's clock
  bool passed_on = false;  // by another client of its host
};

class LockInvariants {
 public:
  explicit LockInvariants(World& world) : world_(world) {}

  void granted(const Belief& belief);
  // All that believe now.
  void look(const std::vector<Belief>& beliefs);
  void waited_in_calm(const std::string& user, std::uint64_t grants);
  void nothing_is_left();

 private:
  void look_at_loss(const Belief& belief);
  void look_at_pair(const Belief& one, const Belief& other);

  World& world_;
  std::map<std::size_t, std::uint64_t> last_fence_;  // by fleet: of one host with local
};

}  // namespace jeton::sim
