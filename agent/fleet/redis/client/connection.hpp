// Connection: one open connection to a Redis server, shared by any number of coroutines. Commands are pipelined: each
// is written at once, together with other waiting commands, and gets the reply at its place in the order.
//
// A command that is not answered by its deadline closes the connection, because the server no longer answers; all
// others in flight fail with it. A command with a short deadline (a lock that ends soon) fails without closing the
// connection, and its late reply is dropped: a short deadline proves nothing about the server, and others share the
// connection. But if the oldest command has been without an answer for twice the timeout by then, the connection is
// closed. A closed connection stays closed: kept_connection.hpp makes a new one. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/tally.hpp"
#include "agent/base/timers.hpp"
#include "agent/fleet/redis/client/command.hpp"
#include "agent/fleet/redis/client/transport.hpp"

namespace jeton::agent::redis {

// The reply to a command, or why there is none. No exception: a host that is cut off tries to connect for as long.
struct Answer {
  Reply reply{};
  std::string failure{};  // "redis://...: reason"; empty: there is a reply
  bool was_sent = true;

  // Throws TransportError, NotSentError if the command was not sent.
  [[nodiscard]] Reply value() &&;
};

class Connection {
 public:
  // `display` is put before every error. `timeout`: the time limit of a usual command; a deadline is short if it leaves
  // less than half of that. `tally`: null if no count is kept.
  Connection(Timers& timers, std::unique_ptr<Transport> transport, ReplyLimits limits, std::string display,
             Duration timeout = Duration{0}, std::shared_ptr<ConnectionTally> tally = nullptr);
  ~Connection();  // closes
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // If the waiting coroutine is cancelled, the command is done nevertheless and its reply dropped.
  Task<Answer> command(Command command, BootTime deadline);
  // Sends ASKING right before the command, with no other command in between: then a Cluster node answers for a slot
  // that it is about to get. If ASKING is refused, returns that error instead of the command's reply.
  Task<Answer> asking(Command command, BootTime deadline);

  // From now on every reply goes to `handler` (the subscribed mode of a connection), and commands are sent by send().
  void on_push(std::function<void(const Reply&)> handler);
  void send(Command command);

  void close(const std::string& reason);
  [[nodiscard]] bool is_open() const;
  // Why it is closed, with `display` before it; empty while it is open.
  [[nodiscard]] const std::string& close_reason() const;
  // How long the connection had been idle when the peer ended it, if no command was waiting for a reply or to be sent
  // then: a server may close idle connections.
  [[nodiscard]] std::optional<Duration> ended_idle_for() const;
  // Returns true as soon as it is closed, false at the deadline.
  Task<bool> wait_closed(BootTime deadline = BootTime::max());
  // Returns true as soon as nothing has been heard from the server for so long, false if it is closed before.
  Task<bool> wait_quiet(Duration quiet);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent::redis
