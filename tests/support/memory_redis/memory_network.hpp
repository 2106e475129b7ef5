// MemoryNetwork: the network between Redis clients and memory servers, in the time of the given Timers.
//
// connector() goes into redis::ConnectOptions; from then on every address leads to the server that has it here. Bytes
// take the latency of the network each way and keep their order. A fault of an address holds for all its connections,
// from the next byte on. One thread: the loop's.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/transport.hpp"
#include "tests/support/memory_redis/memory_server.hpp"

namespace jeton::test {

class MemoryNetwork {
 public:
  enum class Fault {
    none,
    refused,         // open connections are ended, new ones refused
    no_connection,   // nothing arrives in either direction, also no new connection
    silent,          // connections are made, and nothing arrives in either direction
    deaf,            // requests arrive, replies do not
    held,            // replies arrive, requests do not
    reply_is_fatal,  // a reply ends its connection instead of arriving: the client cannot know what was done
  };

  // Both outlive it, and all connections end before it.
  MemoryNetwork(agent::Timers& timers, agent::Random& random);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Makes a server at an address.
  std::shared_ptr<MemoryServer> add_server(const agent::redis::Address& address, const std::string& password = {});
  // From the next connect on the address leads to this server. Each address of a server has faults of its own.
  void point(const agent::redis::Address& address, std::shared_ptr<MemoryServer> server);

  [[nodiscard]] agent::redis::Connector connector();
  // Resolves a name to the hosts of set_name(), and to itself before; an answer takes the latency both ways.
  [[nodiscard]] agent::redis::NameResolver resolver();
  // Empty: it cannot be resolved.
  void set_name(const std::string& name, std::vector<std::string> hosts);
  // Lookups of the name from now on get no answer; false: they are answered again.
  void hang_name(const std::string& name, bool hangs);

  // Sets the latency of each direction; it is drawn again for every send. By default 100 us.
  void set_latency(agent::Duration shortest, agent::Duration longest);
  // Bytes that a fault held back arrive when it ends.
  void set_fault(const agent::redis::Address& address, Fault fault);
  // The client does not run: bytes that it sent still arrive, and replies wait for it; independent of the fault.
  void set_client_stopped(const agent::redis::Address& address, bool stopped);
  // By this address, as the client sees it: that it has not closed.
  [[nodiscard]] std::size_t connections(const agent::redis::Address& address) const;
  // Open connections of the address are dead from now on; new ones can be made. `told`: both ends notice at once, else
  // neither does.
  void lose_connections(const agent::redis::Address& address, bool told);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace jeton::test
