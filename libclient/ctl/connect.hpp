// The connection to the agent's socket, and the text of a request.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace jeton::ctl {

// If the queue of the agent's socket is full (EAGAIN), because many clients came at once or the agent is busy for a
// moment, the client tries again, for a second at most.
inline constexpr int connect_tries = 100;
inline constexpr auto connect_pause = std::chrono::milliseconds(10);

// A connected socket, close-on-exec, for the caller to close; -1: errno says why. `pause` comes between two tries.
[[nodiscard]] int connect_to_agent(
    const std::string& socket, const std::function<void()>& pause = [] { std::this_thread::sleep_for(connect_pause); });

// The message for that errno.
[[nodiscard]] std::string connect_problem(int error);

// A request of HTTP/1.0, so that the answer ends with the connection, without chunks. `body`: JSON; empty: none.
[[nodiscard]] std::string request_text(const std::string& method, const std::string& path, const std::string& body);

}  // namespace jeton::ctl
