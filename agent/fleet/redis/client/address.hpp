// Address: the address on which one Redis server listens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/ascii.hpp"

namespace jeton::agent::redis {

struct Address {
  enum class Kind { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // tcp: a name or an address, IPv6 without brackets
  std::uint16_t port = 6379;
  bool tls = false;  // tcp only
  std::string path;  // unix_socket

  // redis://host:port, rediss://host:port or unix:///path
  [[nodiscard]] std::string display() const {
    if (kind == Kind::unix_socket) return "unix://" + path;
    const bool ipv6 = host.find(':') != std::string::npos;
    return (tls ? "rediss://" : "redis://") + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
  bool operator==(const Address&) const = default;
};

// Whether a text from a server can be a host name or an IP address: at most 255 characters, only letters, digits and
// . - _ : %
[[nodiscard]] inline bool may_be_host(std::string_view text) {
  constexpr std::size_t max_size = 255;
  const auto is_part = [](char c) {
    return is_ascii_alphanumeric(c) || std::string_view(".-_:%").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= max_size && std::all_of(text.begin(), text.end(), is_part);
}

}  // namespace jeton::agent::redis
