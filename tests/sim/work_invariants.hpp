// WorkInvariants: nobody spins. Looks every 10 s at what each agent did meanwhile: one that spins among many that rest
// is found as if it were alone. One thread: the loop's.
#pragma once

#include <vector>

#include "tests/sim/most_work.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

class WorkInvariants {
 public:
  explicit WorkInvariants(World& world);

  void each_turn();
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  [[nodiscard]] const MostWork& most() const { return most_; }

 private:
  // Of a host, at the last look.
  struct Seen {
    std::vector<std::uint64_t> commands;  // by server
    std::uint64_t waits = 0;
  };

  void look_at_host(std::size_t host, MostWork& now);
  [[nodiscard]] std::size_t lock_users_on(std::size_t host) const;

  World& world_;
  BootTime looked_at_;
  std::uint64_t turns_ = 0;
  std::uint64_t turns_then_ = 0;
  std::vector<Seen> hosts_;
  MostWork most_;
};

}  // namespace jeton::sim
