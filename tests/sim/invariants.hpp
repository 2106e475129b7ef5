// Invariants: what must hold in every run, whatever befalls it. Each is the promise of a sentence of the pages, which
// is cited where it is checked. A promise that the pages do not make in some fault is suspended while that fault is in
// effect (FaultInfo::suspends); no fault suspends those of tokens.
//
// Two classes, for what there is to look at: tokens in segments and servers, and calls to the provider. Both hear of
// events and look at the whole after every turn of the loop. One thread: the loop's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class TokenInvariants {
 public:
  explicit TokenInvariants(World& world);

  // A call that issued a token has ended.
  void issued(const test::ProviderCall& call);
  void published(std::size_t host);
  void key_changed(std::size_t server, const std::string& key);
  void each_turn();
  // In a calm fleet whose agents were stopped in order, after the time of a lock.
  void nothing_is_left();

 private:
  void look_at_end(std::size_t host, const agent::Record& record);
  void look_for_token(std::size_t host, bool has_one);

  struct Seen {
    agent::Generation generation = 0;
    std::uint64_t life = 0;  // of the segment or server
    agent::BootTime end = BootTime::max();
    bool had_token = false;
  };

  World& world_;
  std::vector<Seen> segments_;
  std::vector<Seen> servers_;
  std::map<std::string, BootTime> ends_;                                     // of each issued value, by the provider
  std::map<std::pair<std::size_t, agent::Generation>, std::string> values_;  // by fleet: of one host with local
};

class WorkInvariants {
 public:
  explicit WorkInvariants(World& world) : world_(world), looked_at_(world.now()) {}

  void each_turn();
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  [[nodiscard]] std::uint64_t most_commands() const { return most_commands_; }
  [[nodiscard]] std::uint64_t most_turns() const { return most_turns_; }

 private:
  World& world_;
  BootTime looked_at_;
  std::uint64_t turns_ = 0;
  std::uint64_t turns_then_ = 0;
  std::uint64_t commands_then_ = 0;
  std::uint64_t most_commands_ = 0;  // in a time of looking, by one agent
  std::uint64_t most_turns_ = 0;
};

}  // namespace jeton::sim
