// BareHandOver: what a hand-over between two clients costs through a server on unix sockets that does nothing: one
// client sends a byte, the server passes it on, the other client wakes. Two wake-ups, as through an agent.
//
// The server is a process of its own. Make it before this process has threads.
#pragma once

#include <sys/types.h>

#include "agent/base/unique_fd.hpp"

namespace jeton::bench {

class BareHandOver {
 public:
  BareHandOver();
  BareHandOver(const BareHandOver&) = delete;
  BareHandOver& operator=(const BareHandOver&) = delete;
  ~BareHandOver();

  // The client that gives.
  void give() const;
  // The client that waits.
  void wait() const;

 private:
  agent::UniqueFd giver_;
  agent::UniqueFd waiter_;
  pid_t server_ = -1;
};

}  // namespace jeton::bench
