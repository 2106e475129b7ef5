// Invariants: what must hold in every run, whatever befalls it. Each is the promise of a sentence of the pages, which
// is cited where it is checked. A promise that the pages do not make in some fault is suspended while that fault is in
// effect (FaultInfo::suspends); no fault suspends those of tokens.
//
// A class for each thing that there is to look at. They hear of events, and look at the whole after every turn of the
// loop. One thread: the loop's.
#pragma once

#include <cstddef>
#include <string>

#include "tests/sim/call_invariants.hpp"
#include "tests/sim/fence_invariants.hpp"
#include "tests/sim/memory_invariants.hpp"
#include "tests/sim/need_invariants.hpp"
#include "tests/sim/ownerless_locks.hpp"
#include "tests/sim/token_invariants.hpp"
#include "tests/sim/work_invariants.hpp"
#include "tests/sim/world.hpp"

namespace jeton::sim {

// All of them, but for those of the users of a lock (lock_users.hpp).
class Invariants {
 public:
  explicit Invariants(World& world)
      : tokens_(world), fences_(world), needs_(world), calls_(world), work_(world), memory_(world), locks_(world) {}

  // A call to the provider has begun, or ended.
  void heard(const test::ProviderCall& call) {
    tokens_.heard(call);
    fences_.heard(call);
    needs_.heard(call);
    calls_.heard(call);
  }
  // A segment was written.
  void published(std::size_t host) {
    needs_.published(host);
    tokens_.published(host);
    fences_.published(host);
  }
  void key_changed(std::size_t server, const std::string& key) {
    tokens_.key_changed(server, key);
    needs_.key_changed(server, key);
    locks_.key_changed(server, key);
  }
  void each_turn() {
    tokens_.each_turn();
    work_.each_turn();
    memory_.each_turn();
    locks_.each_turn();
  }
  // The two of one more token of the hosts: what is not of the hosts and servers as a whole.
  void record_changed(std::size_t server, const std::string& key) { tokens_.key_changed(server, key); }
  void each_turn_of_token() { tokens_.each_turn(); }
  void nothing_is_left() { tokens_.nothing_is_left(); }

  [[nodiscard]] std::uint64_t turns() const { return work_.turns(); }
  [[nodiscard]] MostWork most() const {
    MostWork most = work_.most();
    most.raise_to(memory_.most());
    return most;
  }

 private:
  TokenInvariants tokens_;
  FenceInvariants fences_;
  NeedInvariants needs_;
  CallInvariants calls_;
  WorkInvariants work_;
  MemoryInvariants memory_;
  OwnerlessLocks locks_;
};

}  // namespace jeton::sim
