// ReservedPort: a TCP port of 127.0.0.1 that belongs to a test as long as this object lives. It is bound and nobody
// listens on it, so connections are refused, until a server with SO_REUSEADDR (each that the tests start) does. No
// other program gets it meanwhile, also while the server is away.
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
