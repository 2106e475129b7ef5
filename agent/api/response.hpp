// A request to the local API, the kinds of answers to it, and their tally. No I/O, no HTTP library. One thread: the
// loop's.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/api/peer.hpp"
#include "agent/base/task.hpp"

namespace jeton::agent {

class LockSession;

struct ApiRequest {
  std::string method;
  std::string target;  // as sent: path, percent-encoded, and query
  std::string body;
  std::string accept{};  // the headers of these names; empty: none
  std::string host{};
};

struct ApiAnswer {
  unsigned status = 200;
  std::string body{};
  std::string allow{};  // of a 405: the methods that are allowed
  std::string content_type = "application/json";
  // Of a page: Content-Security-Policy. The page is shown in no frame and sends no Referer.
  std::string policy{};
};

// Gives the answer, and lives until then. May throw TransportError.
struct LaterAnswer {
  std::function<Task<ApiAnswer>()> work;
};

// The events of this token follow, line by line (tokens/token_routes.hpp).
struct TokenEvents {
  std::string token;
};

// An answer of many lines (NDJSON), as a connection offers it to the streams of tokens, of locks and of the status
// page. After each wait of its own a stream calls check_open(): the connection may have been closed meanwhile.
class LineStream {
 public:
  LineStream() = default;
  LineStream(const LineStream&) = delete;
  LineStream& operator=(const LineStream&) = delete;
  virtual ~LineStream() = default;

  // Returns when the socket has taken the line. A client that does not read in time is disconnected. Throws
  // boost::system::system_error when the connection is closed.
  virtual Task<> send_line(std::string line) = 0;
  // The last one: the end of the stream may go out with it.
  virtual Task<> send_last_line(std::string line) { return send_line(std::move(line)); }
  // Throws boost::system::system_error when the connection is closed.
  virtual void check_open() const = 0;

  // Whether the socket takes one more line now, and the last one after it.
  [[nodiscard]] virtual bool has_room() = 0;
  // Calls back once, when there is room or the connection is closed. A newer call takes the place of one that is due.
  virtual void when_room(std::function<void()> ready) = 0;
};

// The output of `run` follows, as it is, until the client goes.
struct StreamAnswer {
  std::string content_type;
  std::function<Task<>(LineStream&)> run;
};

// The answer is the fate of this session: one answer, or a line for each event (locks/lock_reply.hpp).
struct OpenedLock {
  std::shared_ptr<LockSession> session;
};

using ApiResponse = std::variant<ApiAnswer, LaterAnswer, TokenEvents, StreamAnswer, OpenedLock>;

// {"error": ...} with this status.
[[nodiscard]] ApiAnswer error_answer(unsigned status, const std::string& code, const std::string& message);
// 400.
[[nodiscard]] ApiAnswer bad_request(const std::string& message);
// 403: the user of the peer `may_not` do something; `section` of the configuration lists the users who may.
[[nodiscard]] ApiAnswer forbidden(const Peer& peer, const std::string& may_not, const std::string& section);
// 405, unless the method is POST for `posted`, GET or HEAD otherwise.
[[nodiscard]] std::optional<ApiAnswer> method_refusal(const std::string& method, bool posted);

// ApiTally: the requests to one server of the API since the agent started, by kind of path and status, for /metrics. No
// path of a client is in it, so it stays small whatever clients ask.
class ApiTally {
 public:
  struct Key {
    std::string_view kind;  // of a constant (routes.hpp); "unread": the request could not be read
    unsigned status = 0;
    auto operator<=>(const Key&) const = default;
  };

  void answered(std::string_view kind, unsigned status) { ++answers_[Key{kind, status}]; }
  // A client was refused because no connection was left.
  void refused() { ++refused_; }

  [[nodiscard]] const std::map<Key, std::uint64_t>& answers() const { return answers_; }
  [[nodiscard]] std::uint64_t refused_clients() const { return refused_; }

 private:
  std::map<Key, std::uint64_t> answers_;
  std::uint64_t refused_ = 0;
};

}  // namespace jeton::agent
