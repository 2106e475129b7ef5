// KeptConnection: one connection to a Redis server that is kept up: it connects, greets (greeting.hpp), and after a
// failure tries again with jittered backoff, without an end: at least twice a second for the first half a minute. With
// an endpoint resolver it asks that first, and goes where the server is now. Logs a trouble once, loudly if an operator must act,
// and its end; of many different ones the first few and then one a minute.
//
// While it is connected, the name of the server is resolved again now and then: when it leads elsewhere, the connection
// ends and the next one goes there, because others who begin now would. A name that leads nowhere changes nothing.
//
// A connection that the server ends while it is not used is no trouble: the next one is made at once. keepalive() says
// how to keep the server from it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/connection.hpp"
#include "agent/fleet/redis/client/greeting.hpp"
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

  // How often the connection has to be used so that the server does not end it; none as long as it has not done so
  // twice after the same time.
  [[nodiscard]] std::optional<Duration> keepalive() const;

  // What the server said of itself at the last connect.
  [[nodiscard]] const Greeting& greeting() const;

  // Closes the connection, which is well, to make a new one at once.
  void renew();

  // The server of the last attempt, with the database, and who named it: "redis://127.0.0.1:6379/0",
  // "redis://10.0.0.1:6379/0 (sentinel "jeton")"; while it is being looked for: "sentinel "jeton"".
  [[nodiscard]] const std::string& display() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
