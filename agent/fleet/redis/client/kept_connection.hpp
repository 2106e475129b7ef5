// KeptConnection: one connection to a Redis server that repairs itself: it connects, greets (dial.hpp), and after a
// failure tries again with jittered backoff, without an end: at least twice a second for the first half a minute. If
// there is an endpoint resolver, each attempt asks it for the address first. The connection logs a failure once, as an
// error if an operator must act, and the recovery; of many different failures it logs the first few and then one a
// minute.
//
// While it is connected, it resolves the name of the server again now and then: when the name leads to another address,
// it reconnects to that address, as a new client would. A name that cannot be resolved changes nothing.
//
// If the server ends the connection while it is idle, this is no failure: the next one is made at once. keepalive()
// says how to avoid it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

class KeptConnection {
 public:
  // Called on the loop. `up`: greeted and ready. `down`: the attempt or the connection failed; reason with the
  // endpoint.
  struct Callbacks {
    std::function<void(const std::shared_ptr<Connection>&)> up;
    std::function<void(const std::string& reason)> down;
  };

  // Timers and random outlive it. `purpose` names it in the log: "commands", "subscriptions".
  KeptConnection(Timers& timers, Random& random, ConnectOptions options, std::string purpose, Callbacks callbacks);
  ~KeptConnection();  // stops
  KeptConnection(const KeptConnection&) = delete;
  KeptConnection& operator=(const KeptConnection&) = delete;

  void start();
  // Closes the connection and ends the attempts; no callback comes any more.
  void stop();

  // How often the connection has to be used so that the server does not end it: the usual interval, or a shorter one
  // once the server has ended three connections after the same idle time, until the next outage.
  [[nodiscard]] Duration keepalive(Duration usual) const;

  // Of the server, as it said in the last greeting: "standalone", "cluster"; empty: it did not say.
  [[nodiscard]] const std::string& mode() const;

  // Closes the working connection, and makes a new one at once.
  void renew();
  // The server is of no use: as renew(), and another address of its name is tried first.
  void leave();

  // The server of the last attempt, with the database and the origin of the address: "redis://127.0.0.1:6379/0",
  // "redis://10.0.0.1:6379/0 (sentinel "jeton")"; while the address is being resolved: "sentinel "jeton"".
  [[nodiscard]] const std::string& display() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
