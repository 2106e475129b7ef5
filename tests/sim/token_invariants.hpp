// TokenInvariants: the tokens of readers, and the records of servers. Hears of calls to the provider, publications and
// keys, and looks at the whole after every turn of the loop. A fleet of many hosts has so many turns that this would be
// all that it does: it is looked at once a second, and each host when it publishes.
//
// A fleet with the local backend is as many fleets as it has hosts. One thread: the loop's.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class TokenInvariants {
 public:
  explicit TokenInvariants(World& world);

  // A call has begun, or ended.
  void heard(const test::ProviderCall& call);
  void published(std::size_t host);
  void key_changed(std::size_t server, const std::string& key);
  void each_turn();
  // In a calm fleet whose agents were stopped in order, after the time of a lock.
  void nothing_is_left();

 private:
  void look(std::size_t host);
  void look_at_file(std::size_t host);
  void look_at_end(std::size_t host, const agent::Record& record);
  void look_for_token(std::size_t host, bool has_one);
  [[nodiscard]] bool budget_may_be_spent(std::size_t host) const;

  struct Seen {
    agent::Generation generation = 0;
    std::uint64_t life = 0;  // of the segment or server
    agent::BootTime end = BootTime::max();
    bool had_token = false;
  };

  World& world_;
  std::vector<Seen> segments_;
  std::vector<Seen> servers_;
  BootTime next_look_{};                                                     // at all hosts
  std::map<std::string, BootTime> ends_;                                     // of each issued value, by the provider
  std::map<std::pair<std::size_t, agent::Generation>, std::string> values_;  // by fleet
  std::map<std::size_t, std::vector<BootTime>> calls_;                       // by fleet: when they began
};

}  // namespace jeton::sim
