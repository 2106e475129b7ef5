// ReservedPort: a TCP port of 127.0.0.1 that belongs to a test as long as this object lives. It is bound, but no socket
// listens on it, so connections are refused until a server with SO_REUSEADDR (each that the tests start) listens. No
// other program gets the port meanwhile, also while the server is down.
#pragma once

#include <cstdint>

#include "agent/base/unique_fd.hpp"

namespace jeton::test {

class ReservedPort {
 public:
  ReservedPort();  // throws std::runtime_error
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  agent::UniqueFd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace jeton::test
