// The way to the agent's socket, and a request as it is sent there.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace jeton::ctl {

// For a second at most, a full queue at the agent (EAGAIN) is waited for: many clients came at once, or it is busy for
// a moment.
inline constexpr int connect_tries = 100;
inline constexpr auto connect_pause = std::chrono::milliseconds(10);

// A connected socket, close-on-exec, for the caller to close; -1: errno says why. `pause` comes between two tries.
[[nodiscard]] int connect_to_agent(
    const std::string& socket, const std::function<void()>& pause = [] { std::this_thread::sleep_for(connect_pause); });

// The message for that errno.
[[nodiscard]] std::string connect_problem(int error);

// Of HTTP/1.0, so that the answer ends with the connection, without chunks. `body`: JSON; empty: none.
[[nodiscard]] std::string request_text(const std::string& method, const std::string& path, const std::string& body);

}  // namespace jeton::ctl
