// ApiLimits: bounds on the use of a local client, so that none can hold the loop, the memory or the descriptors of the
// agent.
#pragma once

#include <cstddef>

#include "agent/base/time.hpp"

namespace jeton::agent {

struct ApiLimits {
  // These limits do not count the connections of locks; LockQuota does. In a full room a connection that waits for its
  // client gives way to a new one (connection_room.hpp); if none does, the new one is answered 503 and closed.
  std::size_t connections = 256;                       // of ordinary users, all together
  std::size_t reserved_connections = 64;               // of root, the agent's own user and admins, besides those
  std::size_t connections_per_user = 32;               // of one uid, root included
  std::size_t header_bytes = 8 * 1024;                 // request line and headers; more is 431
  std::size_t body_bytes = 16 * 1024;                  // more is 413
  Duration read_deadline = std::chrono::seconds(10);   // a whole request, and the pause between two
  Duration write_deadline = std::chrono::seconds(10);  // one answer or one line of a stream; then the client is dropped
  Duration heartbeat = std::chrono::seconds(30);       // a line on a stream where nothing changes
};

}  // namespace jeton::agent
