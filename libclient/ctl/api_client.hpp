// ApiClient: asks the agent, HTTP over runtime_dir/agent.sock; and the connection and the request by themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "libclient/ctl/duration.hpp"

namespace jeton::ctl {

using Json = nlohmann::ordered_json;

// Either `problem` says why there is no answer, or `status` and `body` hold one.
struct ApiAnswer {
  std::string problem;  // "/run/jeton/agent.sock: Connection refused"
  bool absent = false;  // then: nothing listens there
  long status = 0;
  std::string text;  // as the agent wrote it
  Json body;         // null if the text is not JSON

  [[nodiscard]] bool ok() const { return problem.empty() && status >= 200 && status < 300; }
  // The code and the message of an error answer, {error: {code, message}}; empty for other answers. For a path that an
  // earlier agent does not have, the message says what to do.
  [[nodiscard]] std::string error_code() const;
  [[nodiscard]] std::string error_message() const;
  // Why it is of no use: the problem, the message, or the status.
  [[nodiscard]] std::string why() const;
};

// A member of an answer; null if the answer is no object or has no such member.
[[nodiscard]] const Json& member(const Json& answer, const char* name);
// Nothing if it is no whole number, or one that 64 bits do not hold.
[[nodiscard]] std::optional<std::int64_t> number_of(const Json& answer, const char* name);
// A text as a line may show it; empty if there is none.
[[nodiscard]] std::string text_of(const Json& answer, const char* name);

// One line, in which bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string json_line(const Json& json);

class ApiClient {
 public:
  explicit ApiClient(const std::filesystem::path& runtime_dir) : socket_(runtime_dir / "agent.sock") {}

  static constexpr Milliseconds usual_patience{5000};

  // Each takes at most a few seconds, or `patience`. `path` is /v1/...
  [[nodiscard]] ApiAnswer get(const std::string& path, Milliseconds patience = usual_patience) const {
    return call("GET", path, {}, patience);
  }
  [[nodiscard]] ApiAnswer post(const std::string& path, const Json& body, Milliseconds patience = usual_patience) const;
  [[nodiscard]] ApiAnswer del(const std::string& path) const { return call("DELETE", path, {}, usual_patience); }

 private:
  [[nodiscard]] ApiAnswer call(const char* method, const std::string& path, const std::string& body,
                               Milliseconds patience) const;

  std::filesystem::path socket_;
};

// If the queue of the agent's socket is full (EAGAIN), because many clients came at once or the agent is busy for a
// moment, the client tries again, for a second at most.
inline constexpr int connect_tries = 100;
inline constexpr auto connect_pause = std::chrono::milliseconds(10);

// A connected socket, close-on-exec, for the caller to close; -1: errno says why. `pause` comes between two tries.
[[nodiscard]] int connect_to_agent(
    const std::string& socket, const std::function<void()>& pause = [] { std::this_thread::sleep_for(connect_pause); });

// The message for that errno, and whether it means that nothing listens.
[[nodiscard]] std::string connect_problem(int error);
[[nodiscard]] bool is_absent(int error);

// The JSON of a request. Throws Failure(error): the user wrote a text that is not UTF-8.
[[nodiscard]] std::string body_text(const Json& body);

// A request of HTTP/1.0, so that the answer ends with the connection, without chunks. `body`: JSON; empty: none.
[[nodiscard]] std::string request_text(const std::string& method, const std::string& path, const std::string& body);

}  // namespace jeton::ctl
