// Listener: takes the clients from a listening socket, on the loop: some a turn, so that other work has its turn. Out
// of descriptors or memory it pauses; without a pause, the client that stays in the queue would wake the loop again and
// again. One thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/timers.hpp"
#include "agent/base/unique_fd.hpp"

namespace jeton::agent {

class Listener {
 public:
  struct Callbacks {
    std::function<void(UniqueFd client)> admit;                 // non-blocking, close-on-exec
    std::function<void(const std::string& reason)> on_trouble;  // none could be accepted; trying again
  };

  // Timers outlive it. No callback comes after close().
  Listener(const Executor& executor, Timers& timers, Callbacks callbacks);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // From now on this socket, which is listening and non-blocking. The clients in the queue of the one before are taken,
  // because its name may be gone, and it is closed.
  void listen(UniqueFd socket);
  // Idempotent.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jeton::agent
