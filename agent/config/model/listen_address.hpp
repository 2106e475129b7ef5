// ListenAddress: an address and port of this host where the agent serves over TCP (agent.listen). Numbers only: a name
// may lead elsewhere tomorrow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::agent {

struct ListenAddress {
  std::string host = "127.0.0.1";  // IPv4, or IPv6 without brackets
  std::uint16_t port = 0;
  // "9717" (of loopback), "127.0.0.1:9717" or "[::1]:9717". Throws Error.
  [[nodiscard]] static ListenAddress parse(std::string_view text);
  // "127.0.0.1:9717" or "[::1]:9717".
  [[nodiscard]] std::string display() const;
  bool operator==(const ListenAddress&) const = default;
};

}  // namespace jeton::agent
