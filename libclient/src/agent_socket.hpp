// Connects and writes to the agent's socket, with deadlines on the clock of monotonic_now_ms().
#pragma once

#include <cstddef>
#include <cstdint>

#include "libclient/src/descriptor.hpp"

namespace jeton::client {

// A connection to DIRECTORY/agent.sock, non-blocking and close-on-exec, for the caller to close; -1: no agent takes it.
[[nodiscard]] int connect_to_agent(const char* directory, std::int64_t deadline_ms) noexcept;

// False: `fd` is not ready for `events` in time.
[[nodiscard]] bool wait_for(int fd, short events, std::int64_t deadline_ms) noexcept;

[[nodiscard]] bool send_all(int fd, const char* text, std::size_t size, std::int64_t deadline_ms) noexcept;

}  // namespace jeton::client
