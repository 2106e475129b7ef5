// A connection as a memory Redis sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/time.hpp"
#include "tests/support/memory_redis/resp.hpp"

namespace jeton::test::memory_redis {

// CLIENT TRACKING ON BCAST: notifies session `redirect` of changes of every key that begins with one of the prefixes.
struct Tracking {
  std::uint64_t redirect = 0;
  std::vector<std::string> prefixes;
  std::set<std::string> changed;  // not reported yet
};

struct Session {
  std::uint64_t id = 0;
  int database = 0;
  bool open = true;
  bool authenticated = false;
  bool waiting = false;  // in WAIT: later requests are held back
  agent::BootTime last_request{};
  std::string name;
  std::string client;                    // the address by which it came
  std::uint64_t* commands_of = nullptr;  // that this address has sent
  std::uint64_t commands = 0;            // that were run for it, those of its scripts too
  std::set<std::string> channels;
  std::optional<Tracking> tracking;
  RequestParser requests;
  // Sends bytes to the client. Both functions may be called until `close` was called.
  std::function<void(std::string bytes)> send;
  std::function<void()> close;

  [[nodiscard]] bool subscribed() const { return !channels.empty(); }
  void reply(const Reply& value) const { send(to_wire(value)); }
};

}  // namespace jeton::test::memory_redis
