#include "agent/fleet/redis/client/address.hpp"

namespace jeton::agent::redis {

std::string Address::display() const {
  if (kind == Kind::unix_socket) return "unix://" + path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (tls ? "rediss://" : "redis://") + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace jeton::agent::redis
