// NeedInvariants: no call to the provider is made that is not needed, and without faults exactly one for each token.
// Hears of each call when it begins and when it has ended, and of what hosts show.
//
// A fleet with the local backend is as many fleets as it has hosts. One thread: the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class NeedInvariants {
 public:
  explicit NeedInvariants(World& world) : world_(world) {}

  void heard(const test::ProviderCall& call);
  void published(std::size_t host);
  void key_changed(std::size_t server, const std::string& key);

 private:
  // Of a fleet.
  struct Latest {
    std::string value;
    BootTime end;
  };
  struct Fleet {
    std::optional<std::string> calling;  // a host, now
    std::optional<Latest> token;
  };

  void began(Fleet& fleet, const test::ProviderCall& call);
  void ended(Fleet& fleet, const test::ProviderCall& call);
  void check_once(const Fleet& fleet, const std::string& host);
  void check_by_segment(std::size_t host);
  void check_by_store(std::size_t host);
  [[nodiscard]] agent::Milliseconds earliest_before_end(agent::Milliseconds lifetime) const;
  [[nodiscard]] bool wanted_since(const std::string& value) const;

  World& world_;
  std::map<std::size_t, Fleet> fleets_;
  std::uint64_t losses_ = 0;                     // of the data of server 0
  std::optional<BootTime> stored_since_;         // server 0 has a record, the first one or one that was given back
  std::map<std::string, BootTime> appeared_at_;  // each value, on a host or as an answer
};

}  // namespace jeton::sim
