// The demo as an HTTP client: one GET on a connection of its own, to the agent's unix socket or to the provider's port.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <string>

namespace jeton::agent::demo {

struct HttpAnswer {
  unsigned status = 0;  // 0: none came in time
  std::string body;
};

// Blocks for a fraction of a second at most. `authorization`: empty: no such header.
[[nodiscard]] HttpAnswer http_get(const boost::asio::generic::stream_protocol::endpoint& server,
                                  const std::string& target, const std::string& authorization = {});

}  // namespace jeton::agent::demo
