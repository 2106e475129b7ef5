// HttpChannel: HTTP/1.1 over one connected socket. Requests come in, answers and streams of lines go out; each has a
// deadline, and each input a limit. It does not know the meaning of the requests.
//
// A read or a write throws boost::system::system_error when the channel is closed or the client has gone. One thread:
// the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/api/response.hpp"
#include "agent/base/timers.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

// Bounds on the use of local clients, so that none can hold the loop, the memory or the descriptors of the agent.
struct ApiLimits {
  // These limits do not count the connections of locks; LockQuota does. In a full room a connection that waits for its
  // client gives way to a new one (connection_room.hpp); if none does, the new one is answered 503 and closed.
  std::size_t connections = 256;                       // of ordinary users, all together
  std::size_t reserved_connections = 64;               // of root, the agent's own user and admins, besides those
  std::size_t connections_per_user = 32;               // of one uid, root included
  std::size_t kept_connections = 256;                  // between two locks of their clients, besides all those
  std::size_t kept_per_user = 64;                      // of one uid
  std::size_t header_bytes = 8 * 1024;                 // request line and headers; more is 431
  std::size_t body_bytes = 16 * 1024;                  // more is 413
  Duration read_deadline = std::chrono::seconds(10);   // a whole request, and the pause between two
  Duration write_deadline = std::chrono::seconds(10);  // one answer or one line of a stream; then the client is dropped
  Duration heartbeat = std::chrono::seconds(30);       // a line on a stream where nothing changes
};

class HttpChannel : public LineStream {
 public:
  struct Incoming {
    std::optional<ApiRequest> request{};  // none: it could not be read
    std::optional<ApiAnswer> refusal{};   // of a request that could not be read; none: the client has gone
    bool keep_alive = false;
    bool keeps_locks = false;  // the client says that it knows the end of a lock's stream: see begin_lines()
  };

  // `on_late` is called from the loop when a deadline has passed; it closes the channel. Timers are used until close().
  // Throws std::system_error if the loop cannot watch the socket.
  static std::shared_ptr<HttpChannel> open(const Executor& executor, UniqueFd socket, Timers& timers,
                                           const ApiLimits& limits, std::function<void()> on_late);

  virtual Task<Incoming> read() = 0;
  // Answers the request that was read last.
  virtual Task<> send(ApiAnswer answer, bool keep_alive) = 0;
  // The head goes out together with the first line. `keep`: it says that a request may follow the last line.
  virtual void begin_lines(const std::string& content_type, bool keep) = 0;
  virtual Task<> end_lines() = 0;
  // Calls back once, when the client sends more, which belongs to the next request, or ends its side. Bytes that came
  // in one piece with the request are in the channel's buffer already: they do not call back, only later ones and the
  // end do. No request is read before that.
  virtual void on_input(std::function<void(bool more)> heard) = 0;

  // The moment from which it has waited for its client, for a request or for an answer to be read. None: it does not
  // wait.
  [[nodiscard]] virtual std::optional<BootTime> waits_since() = 0;
  // Closes the channel at once. Idempotent.
  virtual void close() = 0;
};

}  // namespace jeton::agent
