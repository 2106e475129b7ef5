// ServerClock: measures the offset of a server's clock when it is connected, when this host's clock was stepped, and
// now and then. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>

#include "agent/base/timers.hpp"
#include "agent/fleet/redis/redis_operations.hpp"

namespace jeton::agent {

class ServerClock {
 public:
  // `changed` is called after a measurement by which the offset became known or changed.
  ServerClock(Timers& timers, RedisOperations operations, Duration interval, Duration timeout,
              std::function<void()> changed);
  ~ServerClock();  // stops
  ServerClock(const ServerClock&) = delete;
  ServerClock& operator=(const ServerClock&) = delete;

  void start();
  void stop();
  void measure_now();  // connected (again)
  void forget();       // this host's clock was stepped: unknown until measured again

  [[nodiscard]] bool known() const;
  // The server's time minus ours; zero while unknown.
  [[nodiscard]] Milliseconds offset() const;
  // Returns the offset; measures it first if it is unknown. Throws TransportError.
  Task<Milliseconds> get(BootTime deadline);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
