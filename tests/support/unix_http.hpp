// A minimal HTTP client: one request over a unix socket, blocking, for asking an agent in a test.
#pragma once

#include <filesystem>
#include <string>

#include "agent/base/unique_fd.hpp"

namespace jeton::test {

// No descriptor: no process listens there, or it takes no more connections. `flags`: flags of the socket, such as
// SOCK_NONBLOCK.
[[nodiscard]] agent::UniqueFd connect_to_unix(const std::filesystem::path& socket, int flags = 0);

struct UnixHttpAnswer {
  int status = 0;  // 0: no answer
  std::string body;
};

[[nodiscard]] UnixHttpAnswer unix_http_get(const std::filesystem::path& socket, const std::string& target);
[[nodiscard]] UnixHttpAnswer unix_http_post(const std::filesystem::path& socket, const std::string& target,
                                            const std::string& json);

}  // namespace jeton::test
