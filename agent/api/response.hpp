// A request to the local API, and the kinds of answers to it. No I/O, no HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/api/peer.hpp"
#include "agent/base/task.hpp"

namespace jeton::agent {

class LineStream;
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
  std::string
      policy{};  // of a page: Content-Security-Policy; the page is shown in no frame, and tells its name to nobody
};

// Gives the answer, and lives until then. May throw TransportError.
struct LaterAnswer {
  std::function<Task<ApiAnswer>()> work;
};

// The events of this token follow, line by line (tokens/token_stream.hpp).
struct TokenEvents {
  std::string token;
};

// What `run` sends follows, as it is, until the client goes.
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
// 403: the user of the peer `may_not` do something; `section` of the configuration lists the users who may.
[[nodiscard]] ApiAnswer forbidden(const Peer& peer, const std::string& may_not, const std::string& section);
// 405, unless the method is POST for `posted`, GET or HEAD otherwise.
[[nodiscard]] std::optional<ApiAnswer> method_refusal(const std::string& method, bool posted);

}  // namespace jeton::agent
