// OwnerlessLocks: the locks in the servers whose owner has crashed, of tokens and of applications. Hears of each change
// of a key, and looks after every turn of the loop. One thread: the loop's.
//
// Not for a lock of `when_agent_stops: keep`, which continues "at the next agent, also after a crash"
// (libclient/README.md): the simulation has none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tests/sim/world.hpp"

namespace jeton::sim {

class OwnerlessLocks {
 public:
  explicit OwnerlessLocks(World& world) : world_(world) {}

  void key_changed(std::size_t server, const std::string& key);
  void each_turn();

 private:
  using Key = std::pair<std::size_t, std::string>;  // server, and its key
  struct Held {
    std::string owner;                  // its id
    std::string client;                 // the address from which the lock was taken
    BootTime asked_at;                  // the last time from there: taken or renewed
    std::optional<std::size_t> run{};   // of an agent, that has the address
    std::optional<BootTime> ends_by{};  // its agent has crashed
  };

  // False: there is no more to look at.
  bool look(const Key& key, Held& held);

  World& world_;
  std::map<Key, Held> held_;
};

}  // namespace jeton::sim
