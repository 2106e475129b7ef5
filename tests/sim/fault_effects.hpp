// FaultEffects: which faults of a run met somebody. One that meets nobody shows nothing: a crash of an agent that does
// not run, a flush of an empty server, a refusal of a provider that is not called. One thread: the loop's.
#pragma once

#include <cstdint>
#include <map>

#include "tests/sim/coverage.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

class FaultEffects {
 public:
  FaultEffects(const World& world, Coverage& counts) : world_(world), counts_(counts) {}

  // Just before it begins, and before it ends; a moment ends at once.
  void begins(const Fault& fault);
  void ends(const Fault& fault);

 private:
  struct Before {
    bool agent_runs = false;
    std::size_t connections = 0;     // of the server
    std::size_t keys = 0;            // of the server
    std::uint64_t commands = 0;      // to the server, or to all
    std::uint64_t scripts = 0;       // of these
    std::uint64_t messages = 0;      // of these, that a command sends; others are sent by scripts
    std::uint64_t calls = 0;         // to the provider
    std::uint64_t rate_limited = 0;  // of these
  };

  [[nodiscard]] Before look(const Fault& fault) const;
  [[nodiscard]] bool took_effect(const Fault& fault, const Before& before) const;

  const World& world_;
  Coverage& counts_;
  std::map<std::size_t, Before> lasting_;  // by the number of the fault
};

}  // namespace jeton::sim
