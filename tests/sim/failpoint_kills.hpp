// FailpointKills: counts the failpoints that agents pass, and kills the agent of a host at the one that is armed for
// it.
//
// A failpoint does not know whose it is. An armed host that did something in the turn of the loop in which it was
// passed is killed at the end of that turn: nothing that it sent in it arrives. If another host passed it in the very
// same nanosecond, the armed one is killed at another place, which it must bear as well. One thread: the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "tests/sim/coverage.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

class FailpointKills {
 public:
  FailpointKills(World& world, Coverage& counts);
  ~FailpointKills();
  FailpointKills(const FailpointKills&) = delete;
  FailpointKills& operator=(const FailpointKills&) = delete;

  void each_turn();

 private:
  // What a host has begun, and has not ended.
  struct Activity {
    std::uint64_t begun = 0;
    std::size_t under_way = 0;
    bool operator==(const Activity&) const = default;
  };

  void passed(std::string_view name);
  [[nodiscard]] Activity activity_of(std::size_t host) const;

  World& world_;
  Coverage& counts_;
  std::map<std::size_t, Activity> before_;  // of armed hosts, at the end of the last turn
  std::vector<std::size_t> passed_;         // in this turn, if a host is armed
};

}  // namespace jeton::sim
