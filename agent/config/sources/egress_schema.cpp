#include <algorithm>
#include <chrono>

#include "agent/config/sources/request_schema.hpp"

namespace jeton::agent {

using namespace std::chrono_literals;

EgressConfig read_egress(ObjectReader& source, Reading& /*reading*/) {
  EgressConfig config;
  const ValueReader timeout = source.at("timeout");
  const ValueReader connect_timeout = source.at("connect_timeout");
  assign(config.timeout, timeout.duration(10ms, 5min));
  if (const auto explicit_timeout = connect_timeout.duration(10ms, 5min)) {
    config.connect_timeout = *explicit_timeout;
    if (*explicit_timeout > config.timeout)
      connect_timeout.error("source.connect_timeout is longer than source.timeout");
  }
  config.connect_timeout = std::min(config.connect_timeout, config.timeout);
  assign(config.allow_http, source.at("allow_http").boolean());
  if (const auto redirects = source.at("max_redirects").integer(0, 10)) {
    config.max_redirects = static_cast<int>(*redirects);
  }
  return config;
}

}  // namespace jeton::agent
