// Address: where one Redis server listens.
#pragma once

#include <cstdint>
#include <string>

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

}  // namespace jeton::agent::redis
