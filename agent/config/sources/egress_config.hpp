// How requests of a source leave the host. Keys beside `type` of every source that speaks HTTP.
#pragma once

#include "agent/base/time.hpp"

namespace jeton::agent {

struct EgressConfig {
  Milliseconds timeout{10'000};         // whole request
  Milliseconds connect_timeout{5'000};  // DNS, TCP and TLS
  bool allow_http = false;              // plain http:// to other hosts than loopback
  int max_redirects = 0;                // 0: a redirect is an error
  bool operator==(const EgressConfig&) const = default;
};

}  // namespace jeton::agent
