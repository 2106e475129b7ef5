// Connection: one client, from accept to close: requests one after another (HTTP/1.1 keep-alive), locks among them,
// or one event stream. Every wait has a deadline through Timers. Requests are bounded, a stream keeps nothing of its
// request, and one answer or one line at a time waits to be sent, so a client that does not read costs a few KiB until
// its deadline.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "agent/api/agent_facade.hpp"
#include "agent/api/peer.hpp"
#include "agent/api/server/http_channel.hpp"
#include "agent/api/server/routes.hpp"
#include "agent/base/timers.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class Connection {
 public:
  // The parts of the agent that a connection uses until close(); afterwards it touches none of them, even if its
  // coroutine ends a turn later.
  struct Context {
    Timers& timers;
    AgentFacade& facade;
    AccountNames& names;
    ApiLimits limits;
    std::function<ApiRoutes> routes = answer;  // the paths that it may ask for
    std::shared_ptr<ApiTally> tally{};         // null: no count is kept
    // Called from the loop when the connection becomes that of a lock: it counts as one of those from then on, which
    // have limits of their own (lock_broker.hpp).
    std::function<void(const Connection*)> on_lock{};
    // Called when that lock has ended and the client goes on with the connection. False: no more such are kept.
    std::function<bool(const Connection*)> on_lock_end{};
    // Called for each request that is not for a lock: the connection counts as an ordinary one from then on. False:
    // there is no room for it.
    std::function<bool(const Connection*)> on_other_request{};
    // Asked before a stream begins, or an answer that takes its time. False: too many connections are busy like that.
    std::function<bool(const Connection*)> may_be_busy{};
  };

  // Serves until the client goes, misbehaves or close() is called; then calls `on_end` from the loop, once. Throws
  // std::system_error if the loop cannot watch the socket.
  static std::shared_ptr<Connection> start(const Executor& executor, UniqueFd socket, Peer peer, Context context,
                                           std::function<void(const Connection*)> on_end);

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  // Closes the connection at once, without a last message to the client. Idempotent.
  virtual void close() = 0;
  [[nodiscard]] virtual const Peer& peer() const = 0;
  // The moment from which it has waited for its client, for a request or for an answer to be read; it may be closed
  // in favour of another. Empty: it is busy with a request, a stream or a lock.
  [[nodiscard]] virtual std::optional<BootTime> waits_since() = 0;
};

}  // namespace jeton::agent
