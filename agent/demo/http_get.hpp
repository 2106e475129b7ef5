// The HTTP client of the demo.
#pragma once

#include <cstdint>
#include <string>

namespace jeton::agent::demo {

struct HttpAnswer {
  unsigned status = 0;  // 0: none came in time
  std::string body;
};

// One GET on a connection of its own, to the provider's port or to the agent's unix socket. Blocks for a fraction of a
// second at most.
[[nodiscard]] HttpAnswer get_from_port(std::uint16_t port, const std::string& target, const std::string& authorization);
[[nodiscard]] HttpAnswer get_from_socket(const std::string& socket, const std::string& target);

}  // namespace jeton::agent::demo
