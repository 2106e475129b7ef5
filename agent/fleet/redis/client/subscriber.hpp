// Subscriber: messages of a set of channels, over a connection of its own that repairs itself and subscribes again.
//
// Messages that were published while there was no subscription are lost: after each (re)subscription of a channel `gap`
// is called, and from then on every message arrives until the next gap. After a time in which nothing was heard a PING
// is sent; a server that does not answer it is silent, and the connection ends.
//
// A channel can have a key: then the server also reports each write, deletion and flush of that key (server-
// assisted client-side caching, Redis 6 or later, in broadcast mode with a redirection of the connection to itself). On
// a server that cannot do it, or does not allow it to us (ACL: +client|id +client|tracking &__redis__:invalidate), only
// messages come. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/random.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

class Subscriber {
 public:
  struct Callbacks {
    std::function<void(const std::string& channel, std::string_view payload)> message;
    std::function<void(const std::string& channel)> gap;
    // The key of the channel was written (also by a script that sent a message), deleted or flushed. `all`: together
    // with all other keys of the server.
    std::function<void(const std::string& channel, bool all)> changed{};
    // The connection, or an attempt to make one, failed.
    std::function<void()> down{};
  };

  // Timers and random outlive the subscriber. `keepalive`: the time in which nothing was heard, before a PING.
  Subscriber(Timers& timers, Random& random, ConnectOptions options, Callbacks callbacks, Duration keepalive);
  ~Subscriber();  // stops
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void start();
  void stop();  // no callback comes any more

  // `key`: the key whose changes the channel reports too; empty: none. If the server refuses a required channel, the
  // connection is ended and made again. An optional channel that is refused (NOPERM) stays silent until the next
  // connection.
  enum class Need { required, optional };
  void subscribe(const std::string& channel, const std::string& key = {}, Need need = Need::required);
  void unsubscribe(const std::string& channel);

  // Whether the server reports the changes of the keys now.
  [[nodiscard]] bool reports_changes() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
