#include "agent/fleet/redis/client/address.hpp"

#include <algorithm>

namespace jeton::agent::redis {

std::string Address::display() const {
  if (kind == Kind::unix_socket) return "unix://" + path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (tls ? "rediss://" : "redis://") + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool may_be_host(std::string_view text) {
  constexpr std::size_t max_size = 255;
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:%").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= max_size && std::all_of(text.begin(), text.end(), is_part);
}

}  // namespace jeton::agent::redis
