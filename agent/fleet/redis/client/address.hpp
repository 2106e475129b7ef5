// Address: the address on which one Redis server listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jeton::agent::redis {

struct Address {
  enum class Kind { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;  // tcp: a name or an address, IPv6 without brackets
  std::uint16_t port = 6379;
  bool tls = false;  // tcp only
  std::string path;  // unix_socket

  [[nodiscard]] std::string display() const;  // redis://host:port, rediss://host:port or unix:///path
  bool operator==(const Address&) const = default;
};

// Whether a text from a server can be a host name or an IP address: at most 255 characters, only letters, digits and
// . - _ : %
[[nodiscard]] bool may_be_host(std::string_view text);

}  // namespace jeton::agent::redis
