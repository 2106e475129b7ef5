// Connects and writes to the agent's socket, with deadlines on the clock of monotonic_now_ms().
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "libclient/src/descriptor.hpp"

namespace jeton::client {

// A connection to DIRECTORY/agent.sock, non-blocking and close-on-exec, for the caller to close; -1: no agent takes it,
// or lacks_descriptors().
[[nodiscard]] int connect_to_agent(const char* directory, std::int64_t deadline_ms) noexcept;
// Directly behind a connect_to_agent that failed: the process, or the system, has no descriptor left for a connection.
// It says nothing about the agent. errno stays.
[[nodiscard]] inline bool lacks_descriptors() { return errno == EMFILE || errno == ENFILE; }

// False: `fd` is not ready for `events` in time.
[[nodiscard]] bool wait_for(int fd, short events, std::int64_t deadline_ms) noexcept;

[[nodiscard]] bool send_all(int fd, const char* text, std::size_t size, std::int64_t deadline_ms) noexcept;

}  // namespace jeton::client
