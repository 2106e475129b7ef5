// MostWork: the most that was seen of one agent, in a run or in many. Plain numbers, because processes share them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace jeton::sim {

struct MostWork {
  std::uint64_t commands = 0;     // to a server in 10 s
  std::uint64_t waits = 0;        // that began in 10 s
  std::uint64_t turns = 0;        // of the loop in 10 s, for each agent and server
  std::uint64_t timers = 0;       // at a time, for each run of the agent
  std::uint64_t connections = 0;  // to a server at a time, for each run of the agent
  std::uint64_t keys = 0;         // on a server at a time, of all agents

  void raise_to(const MostWork& other) {
    commands = std::max(commands, other.commands);
    waits = std::max(waits, other.waits);
    turns = std::max(turns, other.turns);
    timers = std::max(timers, other.timers);
    connections = std::max(connections, other.connections);
    keys = std::max(keys, other.keys);
  }
};

}  // namespace jeton::sim
